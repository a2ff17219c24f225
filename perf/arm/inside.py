"""Runs in the guest, by its first process: the tests, the baseline on both backends, and the system calls. Standard library only.

What it is to do is in /guest/plan.json; files and results leave by the console, each in base64 between two lines with its checksum,
so that nothing which the kernel says there is taken for a part of them.
"""
import base64, datetime, hashlib, json, os, platform, re, subprocess, sys, time

BIN, TESTS = "/guest/bin", "/guest/tests/svc-gatewayPackageTests.xctest"


def say(text):
    print(f"guest: {text}", flush=True)


def send(name, data):
    """A file to the host."""
    print(f"=== file {name} {len(data)} {hashlib.sha256(data).hexdigest()}")
    text = base64.b64encode(data).decode()
    for at in range(0, len(text), 120):
        print(text[at:at + 120])
    print("=== end", flush=True)


def run(command, seconds, environment=None):
    """Status and output of a command; 124 when it takes too long."""
    start = time.monotonic()
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, text=True, errors="replace",
                              env=dict(os.environ, **(environment or {})))
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as error:
        status, output = 124, (error.stdout or b"").decode(errors="replace") + f"\nended after {seconds} s\n"
    return status, output, round(time.monotonic() - start, 1)


def facts():
    with open("/proc/cpuinfo") as file:
        features = next((line.split(":")[1].split() for line in file if line.startswith("Features")), [])
    with open("/proc/meminfo") as file:
        memory = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemTotal:"))
    return {"kernel": platform.release(), "version": platform.version(), "architecture": platform.machine(), "processors": os.cpu_count(),
            "memory_bytes": memory, "page_bytes": os.sysconf("SC_PAGE_SIZE"), "lse": "atomics" in features, "crc32": "crc32" in features}


def filters(rooms):
    """What the tests of some rooms are called."""
    return [f"^{room}\\." for room in rooms]


def test_options(names, skipped=()):
    """Of the program that runs tests: some of them, one after the other."""
    return ["--testing-library", "swift-testing", "--no-parallel", *[word for name in names for word in ("--filter", name)],
            *[word for name in skipped for word in ("--skip", name)]]


def tests(plan):
    """The conformance checks: every test of the rooms on the data path."""
    os.chdir(os.path.join(plan["root"], "Tests"))
    status, output, seconds = run([TESTS, *test_options(filters(plan["rooms"]), plan["skipped"])], plan["tests_seconds"])
    send("tests.txt", output.encode())
    return tests_result(plan, status, output, seconds)


def tests_result(plan, status, output, seconds):
    summary = re.search(r"Test run with (\d+) tests?.* (passed|failed) after", output)
    return {"status": status, "seconds": seconds, "passed": status == 0 and summary is not None and summary.group(2) == "passed",
            "tests": int(summary.group(1)) if summary else 0, "rooms": plan["rooms"], "skipped": plan["skipped"],
            "summary": summary.group(0) if summary else f"no end after {seconds} s" if status == 124 else output[-300:],
            "issues": re.findall(r"\S+ (Test .* recorded an issue.*)", output),
            "cases_on_io_uring": len(re.findall(r"Test case passing.* (?:kind )?\u2192 \.?(?:uring|io_uring)\b.* started", output))}


def baseline(plan):
    """perf/baseline.py as on any machine, on both backends."""
    os.chdir(plan["root"])
    command = [sys.executable, "perf/baseline.py", "--bin", BIN, "--io", plan["io"], "--seconds", str(plan["seconds"]),
               "--records", str(plan["records"]), "--prepared", "/guest/records"]
    if not plan["capacity"]:
        command.append("--no-capacity")
    status, output, seconds = run(command, plan["baseline_seconds"])
    print("\n".join(line for line in output.splitlines() if "in flight" not in line), flush=True)
    for name in baseline_files(plan["root"]):
        with open(os.path.join(plan["root"], "perf", "results", name), "rb") as file:
            send(name, file.read())
    return baseline_result(status, output, seconds)


def baseline_files(root):
    """What the baseline of today has written."""
    results = os.path.join(root, "perf", "results")
    date = datetime.date.today().isoformat()
    names = os.listdir(results) if os.path.isdir(results) else []
    return sorted(name for name in names if name.startswith(f"baseline-{date}"))


def baseline_result(status, output, seconds):
    imported = re.search(r"imported in ([\d.]+) s", output)
    return {"status": status, "seconds": seconds, "import_seconds": float(imported.group(1)) if imported else None}


def syscalls(plan):
    sys.path.insert(0, os.path.join(plan["root"], "perf"))
    sys.path.insert(0, os.path.join(plan["root"], "perf", "arm"))
    import syscalls
    return syscalls.count(BIN)


STEPS = {"tests": tests, "baseline": baseline, "syscalls": syscalls}


def main():
    with open("/guest/plan.json") as file:
        plan = json.load(file)
    # The guest may have no clock of its own; reports carry the date.
    time.clock_settime(time.CLOCK_REALTIME, plan["now"])
    result = {"facts": facts()}
    say(f"Linux {result['facts']['kernel']}, {result['facts']['processors']} processors, {result['facts']['memory_bytes'] >> 20} MiB")
    for step in plan["steps"]:
        say(step)
        start = time.monotonic()
        try:
            result[step] = STEPS[step](plan)
        except Exception as error:  # The others are still worth their results.
            result[step] = {"status": 1, "error": f"{type(error).__name__}: {error}"}
        result[step + "_took"] = round(time.monotonic() - start, 1)
        say(f"{step} took {result[step + '_took']} s")
    send("guest.json", json.dumps(result).encode())


if __name__ == "__main__":
    main()
