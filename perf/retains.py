#!/usr/bin/env python3
"""Calls of swift_retain and swift_release, and of malloc, per request of a live gateway: the goal is at most 2 retains and releases
together, and no allocation. ping and resolve at depth 1 and 64, on epoll under callgrind; every call is counted, none is sampled.

Prints the places that call most. `--json FILE` writes all of them. Exit status 1 above the goal.

Needs `make build` and `.ci/setup counts`.
"""
import argparse, json, shutil, sys, tempfile
from callgrind import ALLOCATIONS, RELEASES, RETAINS, demangled
from instructions import measured

COUNTS_MAX = 2
# Growth of a table that then stays does not reach this; an allocation per request does.
# One in each turn of 16 requests would be 0.06; an event of the pressure, which is no request's, is six in 1,600.
ALLOCATIONS_MAX = 0.03


def place(lines, address):
    """Empty where the compiler notes no line, as it often does for what it inserts itself."""
    return " < ".join(line for line in lines.get(address, [])[:3] if line[-1].isdigit())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--json", metavar="FILE")
    arguments.add_argument("--top", type=int, default=5, help="callers that are printed for each run (default 5)")
    options = arguments.parse_args()
    directory = tempfile.mkdtemp(prefix="retains-")
    runs, failed = [], False
    try:
        results, gateway = measured(directory, (1, 64))
        found = [(profile.counted(RETAINS), profile.counted(RELEASES), profile.counted(ALLOCATIONS)) for *_, profile in results]
        lines = gateway.lines({address for counters in found for counter in counters for _, _, address in counter})
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    names = demangled(caller for counters in found for counter in counters for caller, _, _ in counter)
    print(f"{'workload':<9} {'depth':>5} {'requests':>9} {'retains':>8} {'releases':>9} {'together':>9} {'allocations':>12}   per request")
    for (workload, depth, requests, _), counters in zip(results, found):
        retains, releases, allocations = (sum(counter.values()) / requests for counter in counters)
        over = retains + releases > COUNTS_MAX or allocations > ALLOCATIONS_MAX
        failed = failed or over
        print(f"{workload:<9} {depth:>5} {requests:>9,} {retains:>8.3f} {releases:>9.3f} {retains + releases:>9.3f} {allocations:>12.4f}"
              f"{f'   above {COUNTS_MAX}, or an allocation' if over else ''}")
        callers = sorted(((count / requests, callee, names[caller], place(lines, address))
                          for counter in counters for (caller, callee, address), count in counter.items()), reverse=True)
        for each, callee, name, where in callers[:options.top]:
            if each >= 0.005:
                print(f"    {each:>7.3f}  {callee}  by {name[:70]}  {where}".rstrip())
        runs.append({"workload": workload, "depth": depth, "requests": requests, "retains_per_request": round(retains, 4),
                     "releases_per_request": round(releases, 4), "allocations_per_request": round(allocations, 5),
                     "goal": COUNTS_MAX, "met": not over,
                     "callers": [{"calls_per_request": round(each, 5), "callee": callee, "caller": name, "place": where}
                                 for each, callee, name, where in callers]})
    if options.json:
        with open(options.json, "w") as file:
            json.dump({"backend": "epoll", "runs": runs}, file, indent=1)
            file.write("\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
