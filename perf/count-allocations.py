#!/usr/bin/env python3
"""Heap allocations of the workers per resolved request, in steady state: the goal is none.

Starts svc-gateway with an interposer on malloc and its kin, warms it up, and counts while oap-bench resolves the sample
names at depth 1 and 64, on both backends. With --json it prints its figures for programs. Exit status 1 when one
allocation per 1,000 requests is exceeded: growth of a table that then stays does not reach that, a leak or an allocation
per request does.

Needs `make build` and a C compiler (cc or clang).
"""
import json, os, shutil, struct, subprocess, sys, tempfile
from harness import ROOT, Gateway, import_index


def main():
    as_json = sys.argv[1:] == ["--json"]
    if sys.argv[1:] and not as_json:
        sys.exit("usage: count-allocations.py [--json]")
    rows = []
    compiler = shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        sys.exit("count-allocations: no C compiler (cc or clang) in PATH")
    work = tempfile.mkdtemp(prefix="count-allocations-")
    failed = False
    try:
        library = os.path.join(work, "malloc-count.so")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, os.path.join(ROOT, "perf", "malloc-count.c"),
                        "-ldl"], check=True)
        index = os.path.join(work, "index")
        import_index(os.path.join(ROOT, "configs", "sample-index.jsonl"), index)
        if not as_json:
            print(f"{'backend':<10} {'depth':>5} {'requests':>10} {'allocations':>11} {'per request':>12}")
        for io in ("io_uring", "epoll"):
            counter = os.path.join(work, io)
            gateway = Gateway(io, index, environment=dict(os.environ, LD_PRELOAD=library, MALLOC_COUNT_FILE=counter))

            def allocations_so_far():
                with open(counter, "rb") as file:
                    return struct.unpack("Q", file.read(8))[0]

            if allocations_so_far() == 0:
                sys.exit("count-allocations: the interposer has counted nothing, not even the start")
            for depth in (1, 64):
                gateway.bench(1, 16, depth)
                before = allocations_so_far()
                requests = gateway.bench(2, 16, depth)["requests"]
                allocations = allocations_so_far() - before
                failed = failed or allocations * 1000 > requests
                rows.append({"io": io, "depth": depth, "requests": requests, "allocations": allocations,
                             "per_request": allocations / requests})
                if not as_json:
                    print(f"{io:<10} {depth:>5} {requests:>10} {allocations:>11} {allocations / requests:>12.6f}")
            gateway.stop()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if as_json:
        print(json.dumps({"rows": rows}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
