#!/usr/bin/env python3
"""The gateway on ARM64: conformance, the baseline on both backends, instructions and system calls beside x86-64, and a verdict.

On an x86-64 Debian machine: makes an aarch64 SDK (once; see sdk.py), cross-compiles the server as it ships, its tools and the tests of
the data path, and runs them under Debian's ARM kernel in a QEMU guest of 4 processors and 8 GiB. On ARM64 the same runs natively.

Writes perf/results/arm-<date>.json and .html. Exit status: 0 passed; 1 a goal was missed; 2 it could not run.
"""
import argparse, datetime, json, os, platform, sys, time
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import build, counts, guest, native, report, sdk, syscalls, usermode
from sdk import ROOT, note

# Tests that an emulated machine fails for its slowness alone; a native run has them.
SKIPPED = {"theLargestFrameInOneBytePieces": "a million system calls take minutes there, past the gateway's read_timeout",
           "anAddressHasSoManyConnections": "counts log lines, of which more are allowed in more seconds",
           "agreesWithTheModelWhileASecondProcessCommits": "starts a process for each of hundreds of commits",
           "growsWithTheIndexAndHoldsMostOfIt": "ten thousands of records, for a cache whose arithmetic the other tests have",
           "twoHundredConnections": "nothing but more of what the other tests of connections do"}
PARTS = ("tests", "baseline", "syscalls", "counts")
# What a guest may take before it is ended; the machine may be busy with other things.
GUEST_SECONDS = 2400


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), metavar="PARTS", help=f"of {','.join(PARTS)} (default: all)")
    parser.add_argument("--seconds", type=int, default=60, help="measured time of the baseline (default: 60)")
    parser.add_argument("--records", type=int, default=1_000_000, help="names in the index (default: 1000000)")
    parser.add_argument("--no-capacity", action="store_true", help="do not look for the highest rate")
    parser.add_argument("--no-results", action="store_true", help="write nothing under perf/results")
    options = parser.parse_args()
    options.only = options.only.split(",")
    for part in options.only:
        if part not in PARTS:
            parser.error(f"there is no part '{part}'; the parts are {', '.join(PARTS)}")
    return options


def plan(options):
    """What a machine, guest or not, is to do."""
    return {"root": ROOT, "now": time.time(), "steps": [part for part in ("tests", "syscalls", "baseline") if part in options.only],
            **({"rooms": build.ROOMS, "skipped": {}} if platform.machine() == "aarch64" else
               {"rooms": build.GUEST_ROOMS, "skipped": SKIPPED}), "io": "both",
            "seconds": options.seconds, "records": options.records, "capacity": not options.no_capacity,
            "tests_seconds": 900, "baseline_seconds": 900}


def emulated(options):
    """Cross-compiles, boots the guest, counts beside x86-64; what was found, and the files that came out."""
    start = time.monotonic()
    is_cached = sdk.cached() is not None
    stamp = sdk.make()
    times = {} if is_cached else {"sdk made now": round(time.monotonic() - start, 1)}
    wanted = ["programs"] + ["tests"] * ("tests" in options.only) + ["x86"] * any(part in options.only for part in ("counts", "syscalls", "baseline"))
    times.update({f"build {part}": seconds for part, seconds in build.build(wanted).items()})
    found, files = {}, {}
    steps = plan(options)
    user = None
    if "tests" in options.only:
        start = time.monotonic()
        user, output = usermode.tests(build.USER_ROOMS)
        note(f"{', '.join(build.USER_ROOMS)}: {user['summary']} {user['seconds']} s in QEMU's user mode")
        times["tests in user mode"] = round(time.monotonic() - start, 1)
        files["tests-user.txt"] = output.encode()
    if steps["steps"]:
        start = time.monotonic()
        size = guest.make(steps)
        times["guest image"] = round(time.monotonic() - start, 1)
        note(f"guest: {size >> 20} MiB, {guest.PROCESSORS} processors, {guest.MEMORY}iB, Linux {stamp['kernel']}")
        files.update(guest.run(GUEST_SECONDS))
        times["guest"] = round(time.monotonic() - start - times["guest image"], 1)
        found = json.loads(files.pop("guest.json"))
    if user is not None:
        found["tests"] = together(user, found.get("tests") or {})
    if "syscalls" in options.only:
        found["syscalls"] = {"aarch64": found.pop("syscalls", None), "x86_64": native_syscalls()}
    if "counts" in options.only:
        start = time.monotonic()
        results = counts.count()
        found["counts"] = counts.table(results)
        for architecture in results:
            files[f"flame-{architecture}.svg"] = counts.flame(results, architecture).encode()
        times["counts"] = round(time.monotonic() - start, 1)
    for name in ("tests-user.txt", "tests.txt"):
        if name in files:
            with open(os.path.join(sdk.CACHE, name), "wb") as file:
                file.write(files[name])
    versions = {"swift": stamp["swift"], "qemu": guest.qemu_version(), "kernel": stamp["kernel"], "packages": stamp["packages"]}
    return found, files, times, versions


def together(user, guest):
    """One result of the tests in QEMU's user mode and of those in the guest."""
    both = {key: user[key] + guest.get(key, type(user[key])()) for key in ("seconds", "tests", "rooms", "issues")}
    both["skipped"] = {**user["skipped"], **guest.get("skipped", {})}
    both["passed"] = user["passed"] and guest.get("passed", False)
    both["status"] = user["status"] or guest.get("status", 1)
    both["cases_on_io_uring"] = guest.get("cases_on_io_uring", 0)
    both["summary"] = (f"{user['tests']} of {', '.join(user['rooms'])} in user mode, {guest.get('tests', 0)} of "
                       f"{', '.join(guest.get('rooms', []))} in the guest"
                       if both["passed"] else "; ".join(str(each.get("summary") or each.get("error")) for each in (user, guest)))
    return both


def native_syscalls():
    """Those of the x86-64 build on this machine's own kernel."""
    return syscalls.count(os.path.dirname(build.x86("svc-gateway")), build.x86_loader(), counts.import_index)


def main():
    options = arguments()
    start = time.monotonic()
    is_native = platform.machine() == "aarch64"
    if is_native:
        note("this is an ARM64 machine: everything runs natively, nothing is emulated")
    found, files, times, versions = (native.run(options, plan(options)) if is_native else emulated(options))
    times["all"] = round(time.monotonic() - start, 1)
    document = report.document(found, files, times, versions, is_native, plan(options), disk_bytes(sdk.CACHE))
    report.show(document)
    if not options.no_results:
        report.write(document, files, os.path.join(ROOT, "perf", "results"), datetime.date.today().isoformat())
    note(f"{'passed' if document['passed'] else 'FAILED'} in {times['all']:.0f} s")
    return 0 if document["passed"] else 1


def disk_bytes(directory):
    """What the cache takes on the disk."""
    return sum(os.lstat(os.path.join(path, name)).st_blocks * 512 for path, _, names in os.walk(directory) for name in names)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except sdk.Unavailable as reason:
        print(f"arm: {reason}", file=sys.stderr)
        sys.exit(2)
