#!/usr/bin/env python3
"""The part of `make arm` that needs no guest: builds the data path and its tests for aarch64, and runs those of OAP and the reactor
in QEMU's user mode, where there is no io_uring, so that they run on epoll. Skips, with the reason, without an SDK in the cache.
"""
import os, re, subprocess, sys, time
import build, sdk

# What touches the kernel's and the processor's ways, and not the long random histories.
SUITES = ["KernelConformanceTests", "KeepAliveTests", "SharedBudgetTests", "FrameVectorTests", "FrameDecoderTests", "HelloPayloadTests"]


def main():
    if sdk.cached() is None:
        sdk.note(f"skipped: no SDK in {sdk.CACHE}; `make arm` makes one")
        return 0
    start = time.monotonic()
    build.build(["smoke"])
    filters = [word for suite in SUITES for word in ("--filter", suite)]
    done = subprocess.run(
        ["qemu-aarch64", "-cpu", "max", "-L", sdk.SYSROOT, "-E", f"LD_LIBRARY_PATH={sdk.SYSROOT}/{sdk.SWIFT}/lib/swift/linux", build.tests("smoke"),
         "--testing-library", "swift-testing", "--no-parallel", *filters],
        cwd=sdk.ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    summary = re.search(r"Test run with (\d+) tests?.*", done.stdout)
    if done.returncode != 0 or summary is None or int(summary.group(1)) == 0:
        sys.stderr.write(done.stdout[-4000:])
        sdk.note(f"the tests ended with status {done.returncode} in QEMU's user mode")
        return 1
    sdk.note(f"{summary.group(0)} on aarch64 in QEMU's user mode, {time.monotonic() - start:.0f} s with the build")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except sdk.Unavailable as reason:
        sys.exit(f"arm: {reason}")
