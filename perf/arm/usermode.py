"""Runs tests for aarch64 in QEMU's user mode: the processor is emulated, the kernel is this machine's."""
import build, inside, sdk

SECONDS_MAX = 900


def tests(rooms, part="tests", suites=()):
    """The result of some rooms' tests, or of some suites of theirs, and what they printed."""
    libraries = f"{sdk.SYSROOT}/{sdk.SWIFT}/lib/swift/linux"
    status, output, seconds = inside.run(
        ["qemu-aarch64", "-cpu", "max,pauth-impdef=on", "-L", sdk.SYSROOT, "-E", f"LD_LIBRARY_PATH={libraries}", build.tests(part),
         *inside.test_options(suites or inside.filters(rooms))], SECONDS_MAX)
    return inside.tests_result({"rooms": list(rooms), "skipped": {}}, status, output, seconds), output
