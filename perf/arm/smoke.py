#!/usr/bin/env python3
"""The part of `make arm` that needs no guest: builds the data path and its tests for aarch64, and runs those of OAP and the reactor
in QEMU's user mode, where there is no io_uring, so that they run on epoll. Skips, with the reason, without an SDK in the cache.
"""
import sys, time
import build, sdk, usermode

# What touches the kernel's and the processor's ways, and not the long random histories.
SUITES = ["KernelConformanceTests", "KeepAliveTests", "SharedBudgetTests", "FrameVectorTests", "FrameDecoderTests", "HelloPayloadTests"]


def main():
    if sdk.cached() is None:
        sdk.note(f"skipped: no SDK in {sdk.CACHE}; `make arm` makes one")
        return 0
    start = time.monotonic()
    build.build(["smoke"])
    result, output = usermode.tests(build.SMOKE_ROOMS, "smoke", SUITES)
    if not result["passed"] or result["tests"] == 0:
        sys.stderr.write(output[-4000:])
        sdk.note(f"the tests ended with status {result['status']} in QEMU's user mode")
        return 1
    sdk.note(f"{result['summary']} {result['seconds']} s on aarch64 in QEMU's user mode, {time.monotonic() - start:.0f} s with the build")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except sdk.Unavailable as reason:
        sys.exit(f"arm: {reason}")
