#!/usr/bin/env python3
"""What the microbenchmarks of Benchmarks/ cost per operation, against thresholds: instructions, allocations, and reference counts.

Each one runs twice in microbench-count, with n and with 2n operations, under callgrind and under an interposer on malloc; the
difference divided by n has nothing of the start in it, and nothing of the machine's load. (Wall-clock time is `make microbench`'s.)

Exit status 1 when one is crossed: instructions by more than 5 %, allocations or reference counts at all. --update writes the
thresholds anew. They are those of one compiler and architecture; with another one there is nothing to compare, which is said.

Needs `swift build -c release --package-path Benchmarks --product microbench-count` and `.ci/setup counts`.
"""
import argparse, json, os, platform, re, shutil, struct, subprocess, sys, tempfile
from callgrind import RELEASES, RETAINS, Profile, prepare
from harness import ROOT

COUNT = os.path.join(ROOT, "Benchmarks", ".build", "release", "microbench-count")
# The C library chooses among its copies by the processor, and a wait may need a second look: below this a difference means nothing.
INSTRUCTIONS_SLACK = 0.05
# Counts are exact; what is not is how often a burst is received in two pieces, or a table grows that then stays.
COUNTS_SLACK, COUNTS_ROUNDING = 0.05, 0.002


def thresholds_path():
    version = subprocess.run(["swift", "--version"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    match = re.search(r"Swift version (\S+)", version)
    if match is None:
        sys.exit(f"microbench: `swift --version` names no version: {version.strip()}")
    return os.path.join(ROOT, "Benchmarks", "Thresholds", f"{platform.machine()}-swift-{match.group(1)}.json")


class Counter:
    """Runs microbench-count in a directory of its own."""

    def __init__(self, directory):
        self.directory, self.index = directory, os.path.join(directory, "index")
        self.binary, self.preload = prepare(directory, COUNT)
        self.interposer = os.path.join(directory, "malloc-count.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", self.interposer, os.path.join(ROOT, "perf", "malloc-count.c"), "-ldl"],
                       check=True)
        self.run([COUNT, "--make-index", self.index])

    def run(self, command, **environment):
        # Hashing with the same seed each time: sets and dictionaries then have the same shape.
        result = subprocess.run(command, env=dict(os.environ, SWIFT_DETERMINISTIC_HASHING="1", **environment), timeout=120,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode != 0:
            sys.exit(f"microbench: exit {result.returncode} from {' '.join(command)}\n{result.stdout[-2000:]}")
        return result.stdout

    def benchmarks(self):
        """[(name, n, summary)]"""
        return [(name, int(n), summary) for name, n, summary in
                (line.split("\t") for line in self.run([COUNT, "--list"]).splitlines())]

    def profile(self, name, iterations):
        path = os.path.join(self.directory, "profile")
        self.run(["valgrind", "--tool=callgrind", "--dump-instr=yes", "--compress-pos=no", f"--callgrind-out-file={path}", self.binary,
                  "--index", self.index, name, str(iterations)], LD_PRELOAD=self.preload)
        profile = Profile(path)
        return profile.instructions, sum(profile.counted(RETAINS | RELEASES).values())

    def allocations(self, name, iterations):
        path = os.path.join(self.directory, "allocations")
        # A turn's are the worker's: its client is a test's, and allocates what it reads.
        threads = "workers" if name.startswith("turn.") else "all"
        self.run([COUNT, "--index", self.index, name, str(iterations)], LD_PRELOAD=self.interposer, MALLOC_COUNT_FILE=path,
                 MALLOC_COUNT_THREADS=threads)
        with open(path, "rb") as file:
            count = struct.unpack("Q", file.read(8))[0]
        if count == 0:
            sys.exit(f"microbench: the interposer on malloc has counted nothing in {name}, not even the start")
        os.unlink(path)
        return count

    def measure(self, name, n):
        (instructions, references), (instructions_twice, references_twice) = self.profile(name, n), self.profile(name, 2 * n)
        allocations = self.allocations(name, 2 * n) - self.allocations(name, n)
        return {"instructions": round((instructions_twice - instructions) / n, 1),
                "allocations": round(allocations / n, 3), "references": round((references_twice - references) / n, 3)}


def verdict(measured, threshold):
    """What is to be said of one benchmark, and whether it is a failure."""
    if threshold is None:
        return "new: no threshold yet (--update)", True
    problems = [f"{name} above {threshold[name]:g}" for name in ("allocations", "references")
                if measured[name] > threshold[name] * (1 + COUNTS_SLACK) + COUNTS_ROUNDING]
    ratio = measured["instructions"] / threshold["instructions"]
    if ratio > 1 + INSTRUCTIONS_SLACK:
        problems.append(f"instructions {ratio - 1:+.1%} of {threshold['instructions']:g}")
    if problems:
        return "CROSSED: " + ", ".join(problems), True
    return (f"better: {ratio - 1:+.1%}" if ratio < 1 - INSTRUCTIONS_SLACK else "ok"), False


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--update", action="store_true", help="write what is measured as the new thresholds")
    arguments.add_argument("--only", metavar="TEXT", default="", help="only benchmarks whose name contains it")
    options = arguments.parse_args()
    if not os.path.exists(COUNT):
        sys.exit("microbench: build it first: swift build -c release --package-path Benchmarks --product microbench-count")
    path, thresholds = thresholds_path(), None
    if os.path.exists(path):
        with open(path) as file:
            thresholds = json.load(file)["benchmarks"]
    directory, results, failed = tempfile.mkdtemp(prefix="microbench-"), {}, False
    try:
        counter = Counter(directory)
        print(f"{'per operation':<27} {'instructions':>12} {'allocations':>11} {'references':>10}")
        for name, n, _ in counter.benchmarks():
            if options.only not in name:
                continue
            measured = results[name] = counter.measure(name, n)
            text, is_failure = ("", False) if thresholds is None else verdict(measured, thresholds.get(name))
            failed = failed or is_failure
            print(f"{name:<27} {measured['instructions']:>12,.1f} {measured['allocations']:>11.3f} {measured['references']:>10.3f}"
                  f"  {text}".rstrip(), flush=True)
        gone = set(thresholds or {}) - {name for name, *_ in counter.benchmarks()}
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    label = os.path.relpath(path, ROOT)
    if options.update:
        kept = {name: value for name, value in (thresholds or {}).items() if options.only and name not in gone}
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            lines = ",\n".join(f'  "{name}": {json.dumps(value)}' for name, value in {**kept, **results}.items())
            file.write('{\n "unit": "per operation",\n "benchmarks": {\n' + lines + "\n }\n}\n")
        print(f"microbench: {label} written")
        return 0
    if thresholds is None:
        print(f"microbench: skipped, nothing to compare with: there is no {label} (other compilers count otherwise); --update makes it")
        return 0
    if gone:
        print(f"microbench: {label} has thresholds of benchmarks that are gone: {', '.join(sorted(gone))}; --update removes them")
    print(f"microbench: {'FAILED' if failed or gone else 'ok'} against {label}")
    return 1 if failed or gone else 0


if __name__ == "__main__":
    sys.exit(main())
