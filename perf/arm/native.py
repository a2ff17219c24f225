"""The same on an ARM64 machine: nothing is emulated, so that times mean what they say; there is no x86-64 beside it."""
import json, os, platform, re, subprocess, sys, time
import inside, sdk, syscalls
from sdk import ROOT, note


def run(options, plan):
    """Builds with the machine's own Swift, runs what a guest would run; what was found, files, times, versions."""
    times = {}
    start = time.monotonic()
    sdk.run(["make", "build"], cwd=ROOT)
    times["build programs"] = round(time.monotonic() - start, 1)
    found, files = {"facts": inside.facts()}, {}
    if "tests" in plan["steps"]:
        start = time.monotonic()
        found["tests"] = tests(plan)
        times["tests"] = round(time.monotonic() - start, 1)
    if "syscalls" in plan["steps"]:
        found["syscalls"] = {"aarch64": syscalls.count(os.path.join(ROOT, ".build", "release")), "x86_64": None}
    if "baseline" in plan["steps"]:
        start = time.monotonic()
        command = [sys.executable, "perf/baseline.py", "--io", plan["io"], "--seconds", str(plan["seconds"]), "--records",
                   str(plan["records"]), *([] if plan["capacity"] else ["--no-capacity"])]
        status, output, seconds = inside.run(command, plan["baseline_seconds"])
        print(output)
        found["baseline"] = inside.baseline_result(status, output, seconds)
        times["baseline"] = round(time.monotonic() - start, 1)
        for name in inside.baseline_files(ROOT):
            with open(os.path.join(ROOT, "perf", "results", name), "rb") as file:
                files[name] = file.read()
    if "counts" in options.only:
        note("instructions: perf/instructions.py counts them here; the table beside x86-64 needs an x86-64 machine")
        path = os.path.join(ROOT, ".build", "arm-instructions.json")
        sdk.run([sys.executable, "perf/instructions.py", "--json", path], cwd=ROOT)
        with open(path) as file:
            found["instructions"] = json.load(file)
    swift = re.search(r"Swift version (\S+)", sdk.run(["swift", "--version"])).group(1)
    return found, files, times, {"swift": swift, "qemu": None, "kernel": platform.release(), "packages": {}}


def tests(plan):
    command = ["swift", "test", "--no-parallel", *[word for name in inside.filters(plan["rooms"]) for word in ("--filter", name)]]
    status, output, seconds = inside.run(command, plan["tests_seconds"])
    return inside.tests_result(plan, status, output, seconds)
