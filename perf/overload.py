#!/usr/bin/env python3
"""What the gateway does when more is asked of it than it can give: goodput, latency, refusals, steps, tenants and abuse.

Every scenario loads servers on 127.0.0.1 for a bounded time, interleaved; each goal is judged by the median of its repeats.

Writes perf/results/overload-<date>.json (every sample) and .html (goals and plots). Exit status: 0 no goal is missed; 1 one is;
2 wrong usage; 69 something could not be measured, and the message says what to do.
"""

import argparse, contextlib, datetime, json, os, shutil, signal, sys, tempfile, time
import overload_goals, overload_report
from compare import progress, versions
from generators import ALL_KEYS
from harness import ROOT, environment, import_index, raise_descriptor_limit, write_records
from overload_scenarios import ALL, Run
from peers import PeerProblem


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--io",
        choices=["io_uring", "epoll"],
        default="io_uring",
        help="the gateway's kernel interface (default io_uring)",
    )
    parser.add_argument("--repeats", type=int, default=5, help="interleaved repeats of the curves (default 5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of one sample (default 1.5)")
    parser.add_argument("--only", default="", metavar="NAMES", help=f"only these scenarios: {', '.join(ALL)}")
    parser.add_argument(
        "--quick", action="store_true", help="2 repeats of 0.6 s, to try it out; verdicts from it prove nothing"
    )
    parser.add_argument(
        "--output", default=os.path.join(ROOT, "perf", "results"), metavar="DIRECTORY", help="where results go"
    )
    options = parser.parse_args(arguments)
    options.keys = ALL_KEYS
    if options.quick:
        options.repeats, options.seconds, options.keys = 2, 0.6, 100_000
    if options.repeats < 1 or options.seconds < 0.2:
        parser.error("--repeats is at least 1 and --seconds at least 0.2")
    options.wanted = [name.strip() for name in options.only.split(",") if name.strip()] or list(ALL)
    for name in options.wanted:
        if name not in ALL:
            parser.error(f"there is no scenario '{name}'; there are {', '.join(ALL)}")
    return options


def measure(options):
    """The samples of each scenario by its name, and why those are missing that could not be measured."""
    found, problems = {}, {}
    with contextlib.ExitStack() as stack:
        work = tempfile.mkdtemp(prefix="overload-")
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        progress("writing records into the index")
        lines, _ = write_records(work, options.keys)
        index = os.path.join(work, "index")
        import_index(lines, index)
        run = Run(options, work, index, progress)
        for name in options.wanted:
            begun = time.monotonic()
            try:
                found[name] = ALL[name](run)
            except PeerProblem as problem:
                problems[name] = str(problem).splitlines()[0]
                print(f"\noverload: {name}: {problem}", file=sys.stderr)
            else:
                found[name]["seconds_taken"] = round(time.monotonic() - begun, 1)
        progress("")
    return found, problems


def main():
    options = options_of(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    raise_descriptor_limit()
    # Servers and generators alike go before what else the machine does, where the kernel permits that.
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -20)
    begun = time.monotonic()
    found, problems = measure(options)
    result = {
        "schema": 1,
        "date": datetime.date.today().isoformat(),
        "seconds_taken": round(time.monotonic() - begun),
        "environment": environment(),
        "versions": versions(),
        "options": {
            "io": options.io,
            "nice": os.getpriority(os.PRIO_PROCESS, 0),
            "repeats": options.repeats,
            "seconds": options.seconds,
            "scenarios": options.wanted,
        },
        "scenarios": found,
        "problems": problems,
    }
    result["goals"] = overload_goals.goals(result)
    print(overload_report.text(result))
    os.makedirs(options.output, exist_ok=True)
    base = os.path.join(options.output, f"overload-{result['date']}")
    for suffix, content in ((".json", json.dumps(result) + "\n"), (".html", overload_report.html(result))):
        with open(base + suffix, "w") as file:
            file.write(content)
    print(f"\nsamples and plots: {os.path.relpath(base)}.json, .html; {result['seconds_taken']} s")
    if any(goal["met"] is False for goal in result["goals"]):
        return 1
    return 69 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\noverload: interrupted; every server it has started is stopped", file=sys.stderr)
        sys.exit(130)
