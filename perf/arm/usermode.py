"""Runs tests for aarch64 in QEMU's user mode: the processor is emulated, the kernel is this machine's."""
import os, subprocess
import build, inside, sdk

SECONDS_MAX = 900


def tests(rooms, part="tests", suites=()):
    """The result of some rooms' tests, or of some suites of theirs, and what they printed."""
    filters = [word for name in suites or [f"^{room}\\." for room in rooms] for word in ("--filter", name)]
    libraries = f"{sdk.SYSROOT}/{sdk.SWIFT}/lib/swift/linux"
    status, output, seconds = inside.run(
        ["qemu-aarch64", "-cpu", "max,pauth-impdef=on", "-L", sdk.SYSROOT, "-E", f"LD_LIBRARY_PATH={libraries}", build.tests(part),
         "--testing-library", "swift-testing", "--no-parallel", *filters], SECONDS_MAX)
    return inside.tests_result({"rooms": list(rooms), "skipped": {}}, status, output, seconds), output
