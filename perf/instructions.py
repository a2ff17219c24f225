#!/usr/bin/env python3
"""User-space instructions of the gateway per request, by function: ping and resolve at depth 1, 16 and 64, on epoll.

Counted by callgrind, which executes the instructions themselves: the numbers do not depend on the machine's load. See callgrind.py for
what is not in them. `--json FILE` writes everything; `--top N` functions are printed.

Needs `make build` and `.ci/setup counts`.
"""
import argparse, json, os, platform, shutil, sys, tempfile
from callgrind import ProfiledGateway, demangled
from harness import ROOT, import_index
from oapload import ping, resolve

CONNECTIONS = 16


def sample_keys():
    with open(os.path.join(ROOT, "configs", "sample-index.jsonl")) as file:
        return [json.loads(line)["key"].encode() for line in file if line.strip()]


def measured(directory, depths, rounds_of=lambda depth: max(4, 1600 // (CONNECTIONS * depth))):
    """[(workload, depth, requests, profile)], and the gateway, which is stopped."""
    index = os.path.join(directory, "index")
    import_index(os.path.join(ROOT, "configs", "sample-index.jsonl"), index)
    gateway = ProfiledGateway(directory, index, production(directory))
    results = []
    try:
        for workload, frame in (("ping", ping), ("resolve", resolve(sample_keys()))):
            for depth in depths:
                profile, requests = gateway.measure(frame, CONNECTIONS, depth, rounds_of(depth))
                results.append((workload, depth, requests, profile))
    finally:
        gateway.stop()
    return results, gateway


def production(directory):
    """A configuration as in production: finite quotas that are never reached."""
    path = os.path.join(directory, "quotas.toml")
    with open(path, "w") as file:
        for scope, unit in (("global", "requests"), ("tenant", "requests"), ("connection", "frames")):
            file.write(f"[quota.{scope}]\n{unit}_per_second = 10000000\n")
    return ["--config", path]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--json", metavar="FILE")
    arguments.add_argument("--top", type=int, default=12)
    options = arguments.parse_args()
    directory = tempfile.mkdtemp(prefix="instructions-")
    report = {"architecture": platform.machine(), "backend": "epoll", "connections": CONNECTIONS, "runs": []}
    try:
        results, _ = measured(directory, (1, 16, 64))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    names = demangled(name for *_, profile in results for name in profile.own)
    for workload, depth, requests, profile in results:
        functions = [(count / requests, names[name]) for name, count in profile.own.most_common()]
        report["runs"].append({
            "workload": workload, "depth": depth, "requests": requests,
            "instructions_per_request": round(profile.instructions / requests, 1),
            "functions": [{"name": name, "instructions_per_request": round(each, 2)}
                          for each, name in functions if each >= 0.01]})
        print(f"{workload}, depth {depth}: {profile.instructions / requests:,.0f} instructions per request ({requests:,} requests)")
        for each, name in functions[:options.top]:
            print(f"  {each:>9.1f}  {name[:110]}")
        print()
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=1)
            file.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
