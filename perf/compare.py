#!/usr/bin/env python3
"""This gateway beside what a user would pick instead and beside two floors in C, in one interleaved run.

For every shape of load (connections × requests in flight on each) all servers are measured in random order, repeat by
repeat. What counts is the processor time of the server process per request; ratios are formed within a repeat and their
median is the result. Then: system calls, memory of connections, latency at equal rates, and every goal with its verdict.

Writes perf/results/compare-<date>.json (raw samples), .md and .svg. Exit status: 0 no goal is missed; 1 one is; 2 wrong
usage; 69 something could not be measured, and the message says what to do.
"""

import argparse, contextlib, datetime, json, os, random, shutil, signal, subprocess, sys, tempfile, time
import compare_goals, compare_report
from extra_measurements import Extra
from generators import ALL_KEYS, HOT_KEYS, OapBench, RedisBenchmark, Wrk
from harness import ROOT, environment, import_index, raise_descriptor_limit, write_records
from peers import GENERATOR_PROCESSOR, SERVER_PROCESSOR, Floor, HAProxy, MeasuredGateway, Nginx, PeerProblem, Redis

DEPTHS = [(50, 1), (50, 16), (50, 64)]
CONNECTIONS = [(1, 1), (1000, 1)]


class Subject:
    """A server under one kind of load."""

    def __init__(self, server, workload, generator, shapes):
        self.server, self.workload, self.generator, self.shapes = server, workload, generator, shapes
        self.name = f"{server.name} {workload}"

    def sample(self, connections, depth, seconds):
        before = self.server.processor_nanoseconds()
        measured = self.generator.closed(self.server, connections, depth, seconds)
        spent = self.server.processor_nanoseconds() - before
        return {
            "subject": self.name,
            "connections": connections,
            "depth": depth,
            "cpu_ns_per_request": spent / measured["requests"],
            **measured,
        }


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--repeats", type=int, default=11, help="interleaved repeats (default 11; fewer than 7 show noise)"
    )
    parser.add_argument("--seconds", type=float, default=0.5, help="length of one sample (default 0.5)")
    parser.add_argument(
        "--only",
        default="",
        metavar="NAMES",
        help="only subjects whose name contains one of these, such as 'gateway,floor' or 'redis,gateway io_uring'",
    )
    parser.add_argument(
        "--quick", action="store_true", help="3 repeats of 0.3 s, to try it out; verdicts from it prove nothing"
    )
    parser.add_argument(
        "--skip-extra", action="store_true", help="only processor time: no system calls, memory and latencies"
    )
    parser.add_argument(
        "--output", default=os.path.join(ROOT, "perf", "results"), metavar="DIRECTORY", help="where results go"
    )
    options = parser.parse_args(arguments)
    if options.quick:
        options.repeats, options.seconds = 3, 0.3
    if options.repeats < 1 or options.seconds < 0.1:
        parser.error("--repeats is at least 1 and --seconds at least 0.1")
    return options


def progress(text):
    print(
        f"\r\x1b[K{text}" if sys.stderr.isatty() else text,
        end="" if sys.stderr.isatty() else "\n",
        file=sys.stderr,
        flush=True,
    )


def start(stack, work, index, lines, options):
    """All servers, as subjects. They stop when `stack` closes."""
    wanted = [name.strip() for name in options.only.split(",") if name.strip()]

    def chosen(name):
        return not wanted or any(word in name or name in word for word in wanted)

    def started(server):
        stack.callback(server.stop)
        return server

    every, wrk = DEPTHS + CONNECTIONS, Wrk(work)
    plan = []
    for io in ("io_uring", "epoll"):
        plan += [
            (
                f"gateway {io}",
                lambda io=io: MeasuredGateway(io, work, index),
                [
                    ("hot", OapBench("hot"), every),
                    ("uniform", OapBench("uniform"), DEPTHS),
                    ("ping", OapBench("ping"), DEPTHS),
                ],
            ),
            (
                f"floor {io}",
                lambda io=io: Floor(io, work),
                [("hot", OapBench("hot"), every), ("ping", OapBench("ping"), DEPTHS)],
            ),
        ]
    plan += [
        (
            "redis",
            lambda: Redis(work, lines),
            [("hot", RedisBenchmark("hot"), every), ("uniform", RedisBenchmark("uniform"), DEPTHS)],
        ),
        ("nginx return", lambda: Nginx(work), [("get", wrk, every)]),
        ("haproxy http", lambda: HAProxy(work), [("get", wrk, every)]),
    ]
    if any(chosen(name) for name in ("nginx stream", "haproxy tcp")):
        backend = started(Floor("epoll", work, GENERATOR_PROCESSOR))
        plan += [
            ("nginx stream", lambda: Nginx(work, backend.port), [("hot", OapBench("hot"), every)]),
            ("haproxy tcp", lambda: HAProxy(work, backend.port), [("hot", OapBench("hot"), every)]),
        ]
    subjects = []
    for name, make, loads in plan:
        loads = [load for load in loads if chosen(f"{name} {load[0]}")]
        if loads:
            progress(f"starting {name}")
            server = started(make())
            subjects += [Subject(server, *load) for load in loads]
    if not subjects:
        raise PeerProblem(
            f"--only {options.only} names nothing; there are 'gateway io_uring hot', 'floor epoll ping', 'redis uniform' …"
        )
    return subjects


def shuffled(subjects):
    """Random order, of the workloads and within each: what is compared is measured within seconds of each other."""
    workloads = list(dict.fromkeys(subject.workload for subject in subjects))
    for workload in random.sample(workloads, len(workloads)):
        own = [subject for subject in subjects if subject.workload == workload]
        yield from random.sample(own, len(own))


def measure(subjects, options):
    samples = []
    for connections, depth in DEPTHS + CONNECTIONS:
        measured = [subject for subject in subjects if (connections, depth) in subject.shapes]
        for subject in measured:
            subject.sample(connections, depth, min(0.3, options.seconds))
        for repeat in range(options.repeats):
            for subject in shuffled(measured):
                progress(
                    f"{connections} connections, depth {depth}, repeat {repeat + 1} of {options.repeats}: {subject.name}"
                )
                samples.append({"repeat": repeat, **subject.sample(connections, depth, options.seconds)})
    return samples


def versions():
    def first_line(*command):
        path = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/usr/local/sbin")
        if path is None:
            return None
        done = subprocess.run([path, *command[1:]], capture_output=True, text=True)
        return (done.stdout + done.stderr).strip().split("\n")[0]

    commit = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True
    )
    return {
        "gateway": commit.stdout.strip() or "unknown",
        "redis": first_line("redis-server", "--version"),
        "nginx": first_line("nginx", "-v"),
        "haproxy": first_line("haproxy", "-v"),
        "wrk": first_line("wrk", "-v"),
        "cc": first_line("cc", "--version"),
        "swift": first_line("swift", "--version"),
    }


def main():
    options = options_of(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    raise_descriptor_limit()
    begun = time.monotonic()
    with contextlib.ExitStack() as stack:
        work = tempfile.mkdtemp(prefix="compare-")
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        progress(f"writing {ALL_KEYS:,} records into the index")
        lines, _ = write_records(work, ALL_KEYS)
        index = os.path.join(work, "index")
        import_index(lines, index)
        subjects = start(stack, work, index, lines, options)
        samples = measure(subjects, options)
        extra = Extra(work, index, subjects, samples, options, progress)
        if not options.skip_extra:
            extra.measure(stack)
        progress("")
    result = {
        "schema": 1,
        "date": datetime.date.today().isoformat(),
        "seconds_taken": round(time.monotonic() - begun),
        "environment": environment(),
        "versions": versions(),
        "options": {
            "repeats": options.repeats,
            "seconds": options.seconds,
            "only": options.only,
            "keys": ALL_KEYS,
            "hot_keys": HOT_KEYS,
            "server_processor": SERVER_PROCESSOR,
            "generator_processor": GENERATOR_PROCESSOR,
        },
        "samples": samples,
        "extra": extra.results,
    }
    result["goals"] = compare_goals.goals(result)
    print(compare_report.text(result))
    os.makedirs(options.output, exist_ok=True)
    base = os.path.join(options.output, f"compare-{result['date']}")
    for suffix, content in (
        (".json", json.dumps(result, indent=1) + "\n"),
        (".md", compare_report.markdown(result)),
        (".svg", compare_report.plot(result)),
    ):
        with open(base + suffix, "w") as file:
            file.write(content)
    print(f"\nsamples, tables and plot: {os.path.relpath(base)}.json, .md, .svg; {result['seconds_taken']} s")
    return 1 if any(goal["met"] is False for goal in result["goals"]) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PeerProblem as problem:
        print(f"\ncompare: {problem}", file=sys.stderr)
        sys.exit(69)
    except KeyboardInterrupt:
        print("\ncompare: interrupted; every server it has started is stopped", file=sys.stderr)
        sys.exit(130)
