#!/usr/bin/env python3
"""Proves the baseline: 500 requests a second of 64 tenants on 4 processors and 8 GB, from an index of 1,000,000 names.

Runs the gateway on at most 4 processors (all there are, when there are fewer: the report says so) and within 8 GB, offers
Benchmarks/scenarios/baseline.toml in an open loop, and passes or fails on errors, p95, p99, the achieved rate and memory. Then
finds the highest rate that holds the same latencies and states how far above the baseline it is.

Writes perf/results/baseline-<date>.json and .html. Exit status: 0 passed; 1 failed; 2 it could not run; 3 the load generator was
the bottleneck, so that there is no verdict. Needs `make build`, or --bin with the directory of the executables.
"""
import argparse, datetime, json, os, shutil, subprocess, sys, tempfile, time
import harness
from harness import percentile
from limited_gateway import LimitedGateway

RATE = 500
PROCESSORS = 4
MEMORY_BYTES_MAX = 8 << 30
P95_MICROSECONDS_MAX = 40_000
P99_MICROSECONDS_MAX = 120_000
RATE_SHARE_MIN = 0.99
CAPACITY_OBJECTIVES = [f"p95<{P95_MICROSECONDS_MAX // 1000}ms", f"p99<{P99_MICROSECONDS_MAX // 1000}ms"]
# Latency counts from when a request was due: what leaves late has that in it, and can only miss.
CAPACITY_LAG_MAX = f"{P99_MICROSECONDS_MAX // 1000}ms"
SCENARIO = os.path.join(harness.ROOT, "Benchmarks", "scenarios", "baseline.toml")
GENERATOR_LIMIT = 3


class Failure(Exception):
    """There is nothing to judge."""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="measured time (default: 60)")
    parser.add_argument("--records", type=int, default=1_000_000, help="names in the index (default: 1000000)")
    parser.add_argument("--io", choices=["auto", "io_uring", "epoll", "both"], default="auto",
                        help="the gateway's kernel interface (default: auto)")
    parser.add_argument("--no-capacity", action="store_true", help="do not look for the highest rate")
    parser.add_argument("--no-results", action="store_true", help="write nothing under perf/results")
    parser.add_argument("--prepared", metavar="DIR", help="keys.txt and index of so many records, made elsewhere")
    parser.add_argument("--bin", default=harness.BIN, help="directory of svc-gateway, ronctl and oap-bench")
    return parser.parse_args()


def main():
    options = arguments()
    harness.BIN = os.path.abspath(options.bin)
    for name in ("svc-gateway", "ronctl", "oap-bench"):
        if not os.access(harness.tool(name), os.X_OK):
            raise Failure(f"there is no {name} in {harness.BIN}; run `make build`, or name its directory with --bin")
    processors = sorted(os.sched_getaffinity(0))
    chosen = processors[:PROCESSORS]
    work = tempfile.mkdtemp(prefix="baseline-")
    try:
        index, keys = prepare(options, work)
        backends = ["io_uring", "epoll"] if options.io == "both" else [options.io]
        runs = [measure(options, io, index, keys, chosen, processors, work) for io in backends]
        return conclude(options, runs, chosen, processors, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def prepare(options, work):
    """The index and the file of its keys."""
    if options.prepared is not None:
        print(f"index: {options.records:,} names, imported elsewhere", flush=True)
        return [os.path.join(os.path.abspath(options.prepared), name) for name in ("index", "keys.txt")]
    lines, keys = harness.write_records(work, options.records)
    index = os.path.join(work, "index")
    start = time.monotonic()
    harness.import_index(lines, index)
    print(f"index: {options.records:,} names, imported in {time.monotonic() - start:.1f} s", flush=True)
    return index, keys


def measure(options, io, index, keys, chosen, processors, work):
    """One backend: the baseline, and then its capacity."""
    gateway = LimitedGateway(io, index, chosen, MEMORY_BYTES_MAX)
    try:
        name = gateway.io()
        print(f"gateway on {name}, processors {','.join(map(str, chosen))}, 8 GB ({gateway.limits})", flush=True)
        # Apart from the gateway where there are processors to spare.
        apart = [number for number in processors if number not in chosen]
        html = os.path.join(work, f"{name}.html")
        status, report = bench(gateway, keys, apart, work,
                               ["--scenario", SCENARIO, "--duration", f"{options.seconds}s", "--html", html])
        memory = gateway.memory()
        run = {"io": name, "memory_limit": gateway.limits, "memory": memory, "status": status, "report": report, "html": html,
               "generator_apart": bool(apart), "checks": checks(report, memory), "capacity": None}
        run["passed"] = status != GENERATOR_LIMIT and all(check["passed"] for check in run["checks"])
        if not options.no_capacity:
            run["capacity"] = capacity(gateway, keys, apart, work)
    finally:
        status = gateway.stop()
    if status != 0:
        raise Failure(f"svc-gateway ended with status {status}")
    return run


def bench(gateway, keys, apart, work, options):
    """Runs oap-bench; its exit status and its JSON report."""
    path = os.path.join(work, "report.json")
    command = [harness.tool("oap-bench"), "--server", f"127.0.0.1:{gateway.port}", "--keys", keys, "--json", path, *options]
    pin = (lambda: os.sched_setaffinity(0, apart)) if apart else None
    status = subprocess.run(command, cwd=harness.ROOT, stdout=subprocess.DEVNULL, preexec_fn=pin).returncode
    if status in (2, 74) or not os.path.exists(path):
        raise Failure(f"oap-bench ended with status {status}: {' '.join(command)}")
    with open(path) as file:
        report = json.load(file)
    os.remove(path)
    return status, report


def checks(report, memory):
    """What the baseline promises, each with its limit and what was measured."""
    outcome, latency = report["outcome"], report["latency"]
    rate = outcome["successes"] / outcome["elapsedSeconds"]
    peak = memory["cgroup_peak_bytes"] or memory["resident_peak_bytes"]
    rows = [
        ("errors", 0, outcome["errors"], outcome["errors"] == 0 and outcome["successes"] > 0, "requests"),
        ("p95", P95_MICROSECONDS_MAX, percentile(latency, 95), percentile(latency, 95) < P95_MICROSECONDS_MAX, "us"),
        ("p99", P99_MICROSECONDS_MAX, percentile(latency, 99), percentile(latency, 99) < P99_MICROSECONDS_MAX, "us"),
        ("achieved rate", RATE * RATE_SHARE_MIN, rate, rate >= RATE * RATE_SHARE_MIN, "answers/s"),
        ("peak memory", MEMORY_BYTES_MAX, peak, peak <= MEMORY_BYTES_MAX, "bytes"),
    ]
    return [{"name": name, "limit": limit, "measured": round(measured, 3), "passed": passed, "unit": unit}
            for name, limit, measured, passed, unit in rows]


def capacity(gateway, keys, apart, work):
    """The highest rate that holds the objectives, or the generator's limit, where that comes first."""
    objectives = [word for objective in CAPACITY_OBJECTIVES for word in ("--find-max", objective)]
    _, found = bench(gateway, keys, apart, work, [*objectives, "--schedule-lag-max", CAPACITY_LAG_MAX, "--tenants", "64"])
    rate = found.get("rate")
    return {"objective": " and ".join(CAPACITY_OBJECTIVES), "schedule_lag_max": CAPACITY_LAG_MAX, "result": found["result"], "rate": rate,
            "headroom": None if rate is None else round(rate / RATE, 1), "seconds": found["elapsedSeconds"],
            "probes": [{key: probe.get(key) for key in ("phase", "rate", "judgement", "p99")} for probe in found["probes"]]}


def shown(check):
    """Limit and measured value for people."""
    def text(value):
        if check["unit"] == "us":
            return f"{value / 1000:.2f} ms"
        if check["unit"] == "bytes":
            return f"{value / (1 << 20):,.0f} MiB"
        return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"
    bound = {"errors": "=", "achieved rate": "≥", "peak memory": "≤"}.get(check["name"], "<")
    return f"{bound} {text(check['limit'])}", text(check["measured"])


def conclude(options, runs, chosen, processors, work):
    """Says how it went, and writes it down."""
    print()
    for run in runs:
        print(f"baseline on {run['io']}: {RATE} requests a second, 64 tenants, {options.records:,} names, {options.seconds} s, "
              f"{len(chosen)} processor{'s' if len(chosen) != 1 else ''}")
        if len(chosen) < PROCESSORS:
            print(f"  (the baseline allows {PROCESSORS} processors; this machine has {len(processors)}, shared with the load generator)")
        for check in run["checks"]:
            limit, measured = shown(check)
            print(f"  {'ok  ' if check['passed'] else 'FAIL'}  {check['name']:<14} {measured:>12}   {limit}")
        if run["status"] == GENERATOR_LIMIT:
            print("  NO VERDICT: the load generator was the bottleneck")
            for sentence in run["report"]["generator"]["bottlenecks"]:
                print(f"    {sentence}")
        if run["capacity"] is not None:
            print(f"  {headroom(run['capacity'])}")
        print()
    passed = all(run["passed"] for run in runs)
    verdict = "passed" if passed else "no verdict" if any(run["status"] == GENERATOR_LIMIT for run in runs) else "FAILED"
    print(f"baseline: {verdict}")
    if not options.no_results:
        write(options, runs, passed, dict(harness.environment(), gateway_processors=len(chosen)))
    return 0 if passed else GENERATOR_LIMIT if verdict == "no verdict" else 1


def headroom(capacity):
    rate, objective = capacity["rate"], capacity["objective"]
    if rate is None:
        return f"capacity: no rate was found that holds {objective} ({capacity['result']})"
    if capacity["result"] == "found":
        return f"capacity: {rate:,.0f} requests a second hold {objective}: {capacity['headroom']:,.1f} times the baseline"
    if capacity["result"] == "generator-limit":
        return (f"capacity: at least {rate:,.0f} requests a second hold {objective}, {capacity['headroom']:,.1f} times the "
                "baseline; the load generator offers no more")
    return f"capacity: {rate:,.0f} requests a second hold {objective} for a moment ({capacity['result']})"


def write(options, runs, passed, machine):
    """One JSON file of all runs without the buckets of their histograms, and the page of each."""
    results = os.path.join(harness.ROOT, "perf", "results")
    os.makedirs(results, exist_ok=True)
    date = datetime.date.today().isoformat()
    base = os.path.join(results, f"baseline-{date}")
    for run in runs:
        html = run.pop("html")
        path = f"{base}.html" if len(runs) == 1 else f"{base}-{run['io']}.html"
        shutil.copyfile(html, path)
        print(f"report: {os.path.relpath(path, harness.ROOT)}")
        for distribution in ("latency", "serviceTime", "scheduleLag"):
            run["report"][distribution].pop("buckets", None)
    document = {"date": date, "passed": passed,
                "checks": [dict(check, name=f"{run['io']}: {check['name']}") for run in runs for check in run["checks"]],
                "options": {"seconds": options.seconds, "records": options.records, "rate": RATE, "tenants": 64,
                            "processors_max": PROCESSORS, "memory_bytes_max": MEMORY_BYTES_MAX},
                "environment": machine, "runs": runs}
    with open(f"{base}.json", "w") as file:
        json.dump(document, file, indent=1)
        file.write("\n")
    print(f"result: {os.path.relpath(base + '.json', harness.ROOT)}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"baseline: {failure}", file=sys.stderr)
        sys.exit(2)
