#!/usr/bin/env python3
"""CPU per request of svc-gateway (io_uring and epoll) beside redis-server GET, in one interleaved run.

Both hold the same 1,000,000 keys with the same values, drawn uniformly over 50 connections at depth 1, 16 and 64. What
counts is the server process's CPU time (all its threads, /proc/PID/task/*/schedstat) per request; rates are shown for orientation only.
Servers run on one processor and generators on another. Writes perf/results/compare-redis-<date>.json with every sample.

Needs `make build`, redis-server and redis-benchmark. Exit status 1 when a goal is missed.
"""
import argparse, datetime, json, os, platform, random, shutil, socket, statistics, subprocess, sys, tempfile, time
from harness import ROOT, Gateway, cpu_nanoseconds, free_port, import_index, write_records

# (subject, depth, most CPU per request against redis in the same repeat, by median)
GOALS = [("io_uring", 1, 0.75), ("io_uring", 16, 1.0), ("io_uring", 64, 1.0), ("epoll", 1, 1.0)]


def wait_port(port, process, name):
    for _ in range(400):
        if process.poll() is not None:
            sys.exit(f"{name} ended with status {process.returncode} before it listened")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"{name} does not listen on port {port}")


class Redis:
    name = "redis"

    def __init__(self, work, server_cpu):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["taskset", "-c", server_cpu, "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", work, "--daemonize", "no"], stdout=subprocess.DEVNULL)
        wait_port(self.port, self.process, "redis-server")

    def load(self, lines):
        pipe = subprocess.Popen(["redis-cli", "-p", str(self.port), "--pipe"], stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL)
        for line in lines:
            key, value = json.loads(line)["key"].encode(), line.encode()
            pipe.stdin.write(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(key), key, len(value), value))
        pipe.stdin.close()
        if pipe.wait() != 0:
            sys.exit("loading redis failed")

    def run(self, generator_cpu, connections, depth, seconds, keys):
        requests = int(seconds * {1: 60_000, 16: 350_000, 64: 450_000}[depth])
        before, start = cpu_nanoseconds(self.process.pid), time.monotonic()
        subprocess.run(
            ["taskset", "-c", generator_cpu, "redis-benchmark", "-p", str(self.port), "-c", str(connections), "-P",
             str(depth), "-n", str(requests), "-r", str(keys), "-q", "GET", "name:__rand_int__"],
            check=True, stdout=subprocess.DEVNULL)
        elapsed = time.monotonic() - start
        return requests, cpu_nanoseconds(self.process.pid) - before, elapsed


    def stop(self):
        self.process.terminate()
        self.process.wait(15)


class MeasuredGateway(Gateway):
    def __init__(self, io, index, server_cpu, keyfile):
        super().__init__(io, index, prefix=("taskset", "-c", server_cpu))
        self.keyfile = keyfile

    def run(self, generator_cpu, connections, depth, seconds, keys):
        before = cpu_nanoseconds(self.process.pid)
        report = self.bench(seconds, connections, depth, self.keyfile, prefix=("taskset", "-c", generator_cpu))
        return report["requests"], cpu_nanoseconds(self.process.pid) - before, report["duration_s"]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=7)
    arguments.add_argument("--seconds", type=float, default=3.0, help="length of one sample")
    arguments.add_argument("--keys", type=int, default=1_000_000)
    arguments.add_argument("--connections", type=int, default=50)
    arguments.add_argument("--depths", default="1,16,64")
    options = arguments.parse_args()
    for tool in ("redis-server", "redis-benchmark", "redis-cli", "taskset"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is missing: install redis-server and util-linux")
    server_cpu, generator_cpu = ("0", "1") if os.cpu_count() > 1 else ("0", "0")
    depths = [int(depth) for depth in options.depths.split(",")]
    work = tempfile.mkdtemp(prefix="compare-redis-")
    servers = []
    try:
        print(f"loading {options.keys:,} records into the index and into redis …", file=sys.stderr)
        lines, keyfile = write_records(work, options.keys)
        index = os.path.join(work, "index")
        import_index(lines, index)
        redis = Redis(work, server_cpu)
        servers.append(redis)
        with open(lines) as file:
            redis.load(line.rstrip("\n") for line in file)
        for io in ("io_uring", "epoll"):
            servers.append(MeasuredGateway(io, index, server_cpu, keyfile))
        samples = measure(servers, depths, options, generator_cpu)
        return report(samples, depths, options)
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(work, ignore_errors=True)


def measure(servers, depths, options, generator_cpu):
    samples = []
    for depth in depths:
        for server in servers:
            server.run(generator_cpu, options.connections, depth, 1, options.keys)
        for repeat in range(options.repeats):
            order = servers[:]
            random.shuffle(order)
            for server in order:
                requests, spent, elapsed = server.run(
                    generator_cpu, options.connections, depth, options.seconds, options.keys)
                samples.append({"subject": server.name, "depth": depth, "repeat": repeat, "requests": requests,
                                "cpu_ns_per_request": spent / requests, "requests_per_second": requests / elapsed})
                print(f"\rdepth {depth:2} repeat {repeat + 1}/{options.repeats} {server.name:9}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return samples


def report(samples, depths, options):
    def values(subject, depth):
        rows = [s for s in samples if s["subject"] == subject and s["depth"] == depth]
        return [s["cpu_ns_per_request"] / 1000 for s in sorted(rows, key=lambda s: s["repeat"])]

    print(f"\nCPU µs of the server per request, {options.connections} connections, {options.keys:,} keys drawn uniformly,")
    print(f"{options.repeats} interleaved repeats: median (minimum–maximum), and the median of the ratios to redis\n")
    print(f"{'depth':>5}  {'redis':>20}  {'io_uring':>20} {'ratio':>6}  {'epoll':>20} {'ratio':>6}")
    ratios = {}
    for depth in depths:
        row = f"{depth:5}"
        base = values("redis", depth)
        for subject in ("redis", "io_uring", "epoll"):
            own = values(subject, depth)
            row += f"  {statistics.median(own):6.2f} ({min(own):.2f}–{max(own):.2f})".ljust(22)
            if subject != "redis":
                ratios[subject, depth] = statistics.median(a / b for a, b in zip(own, base))
                row += f" {ratios[subject, depth]:6.2f}"
        print(row)
    goals = []
    for subject, depth, target in GOALS:
        measured = ratios.get((subject, depth))
        goals.append({"name": f"{subject} at depth {depth} against redis", "target": target, "measured": measured,
                      "met": None if measured is None else measured <= target,
                      "reason": "depth not measured" if measured is None else "median ratio of CPU per request"})
    print()
    for goal in goals:
        word = {True: "met", False: "MISSED", None: "not measured"}[goal["met"]]
        shown = "–" if goal["measured"] is None else f"{goal['measured']:.2f}"
        print(f"  {goal['name']:<36} {shown:>5} (goal {goal['target']:.2f}): {word}")
    os.makedirs(os.path.join(ROOT, "perf", "results"), exist_ok=True)
    date = datetime.date.today().isoformat()
    path = os.path.join(ROOT, "perf", "results", f"compare-redis-{date}.json")
    version = subprocess.run(["redis-server", "--version"], capture_output=True, text=True).stdout.strip()
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    with open(path, "w") as file:
        json.dump({"date": date, "environment": {"kernel": platform.release(), "processor": model,
                   "processors": os.cpu_count(), "redis": version}, "options": vars(options), "samples": samples,
                   "goals": goals}, file, indent=1)
        file.write("\n")
    print(f"\nsamples: {os.path.relpath(path, ROOT)}")
    return 1 if any(goal["met"] is False for goal in goals) else 0


if __name__ == "__main__":
    sys.exit(main())
