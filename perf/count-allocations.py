#!/usr/bin/env python3
"""Heap allocations of the workers per resolved request, in steady state: the goal is none.

Starts svc-gateway with an interposer on malloc and its kin, warms it up, and counts while oap-bench resolves the sample
names at depth 1 and 64, on both backends. Exit status 1 when one allocation per 1,000 requests is exceeded: growth of a
table that then stays counts, a leak or an allocation per request never hides.

Needs `make build` and a C compiler (cc or clang).
"""
import json, os, shutil, signal, struct, subprocess, sys, tempfile, time, socket

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.path.join(ROOT, ".build", "release")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bench(port, depth, seconds):
    output = subprocess.run(
        [os.path.join(BIN, "oap-bench"), "--server", f"127.0.0.1:{port}", "--closed", "--connections", "16", "--depth",
         str(depth), "--duration", f"{seconds}s", "--workload", "resolve", "--format", "json"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if output.returncode != 0:
        sys.exit(f"oap-bench: exit {output.returncode}\n{output.stdout}")
    return json.loads(output.stdout)["requests"]


def main():
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
        subprocess.run([os.path.join(BIN, "ronctl"), "index", "import", os.path.join(ROOT, "configs", "sample-index.jsonl"),
                        "--index-path", index], check=True, stdout=subprocess.DEVNULL)
        print(f"{'backend':<10} {'depth':>5} {'requests':>10} {'allocations':>11} {'per request':>12}")
        for io in ("io_uring", "epoll"):
            counter = os.path.join(work, io)
            port = free_port()
            environment = dict(os.environ, LD_PRELOAD=library, MALLOC_COUNT_FILE=counter)
            server = subprocess.Popen(
                [os.path.join(BIN, "svc-gateway"), "--io", io, "--workers", "1", "--oap-addr", str(port), "--metrics-addr",
                 str(free_port()), "--index-path", index, "--oap-concurrency", "4096", "--log-level", "warning"],
                env=environment, cwd=work)
            try:
                time.sleep(1)
                for depth in (1, 64):
                    bench(port, depth, 1)
                    before = struct.unpack("Q", open(counter, "rb").read(8))[0]
                    requests = bench(port, depth, 2)
                    allocations = struct.unpack("Q", open(counter, "rb").read(8))[0] - before
                    failed = failed or allocations * 1000 > requests
                    print(f"{io:<10} {depth:>5} {requests:>10} {allocations:>11} {allocations / requests:>12.6f}")
            finally:
                server.send_signal(signal.SIGTERM)
                server.wait(15)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
