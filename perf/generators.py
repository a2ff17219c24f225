"""The clients of the comparison. Each run is pinned to the generators' processor and returns what a sample needs."""

import os, re, subprocess
from harness import ROOT, read_report, tool
from peers import GENERATOR_PROCESSOR, PeerProblem, need, pinned

HOT_KEYS, ALL_KEYS = 1000, 1_000_000
KEY_FORMAT = "name:%012d"


def run(command, name, timeout, statuses=(0,), processor=GENERATOR_PROCESSOR):
    try:
        done = subprocess.run(
            pinned(processor, command),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise PeerProblem(f"{os.path.basename(command[0])} against {name} did not end within {timeout:.0f} s") from None
    if done.returncode not in statuses:
        raise PeerProblem(
            f"{os.path.basename(command[0])} against {name}: exit {done.returncode}\n"
            f"{done.stdout[-800:]}{done.stderr[-800:]}"
        )
    return done.stdout


class OapBench:
    """`workload` is ping, hot (1,000 keys) or uniform (1,000,000 keys); every answer is checked."""

    def __init__(self, workload, processor=GENERATOR_PROCESSOR, urgent=False):
        self.workload, self.processor = workload, processor
        # A generator that runs whenever it wants to, where the kernel permits that.
        self.prefix = (
            ["chrt", "-f", "10"]
            if urgent and subprocess.run(["chrt", "-f", "10", "true"], capture_output=True).returncode == 0
            else []
        )

    def arguments(self):
        if self.workload == "ping":
            return ["--workload", "ping"]
        count = HOT_KEYS if self.workload == "hot" else ALL_KEYS
        return ["--workload", "resolve", "--key-count", str(count), "--key-format", KEY_FORMAT]

    def report(self, server, connections, depth, seconds, load, statuses=(0,)):
        command = [
            *self.prefix,
            tool("oap-bench"),
            "--server",
            f"127.0.0.1:{server.port}",
            *load,
            "--connections",
            str(connections),
            "--depth",
            str(depth),
            "--duration",
            f"{round(seconds * 1000)}ms",
            "--warmup",
            "0s",
            "--tenants",
            "64",
            "--format",
            "json",
            *self.arguments(),
        ]
        return read_report(run(command, server.name, seconds + 30, statuses, self.processor))

    def closed(self, server, connections, depth, seconds):
        report = self.report(server, connections, depth, seconds, ["--closed"])
        return {
            "requests": report["requests"],
            "requests_per_second": report["requests_per_s"],
            "generator_ns_per_request": report["cpu"]["us_per_request"] * 1000,
        }

    def open(self, server, connections, depth, seconds, rate):
        """Latencies in µs from when requests were due; `bottlenecks` says so when the generator fell behind."""
        return self.report(server, connections, depth, seconds, ["--rate", str(round(rate))], statuses=(0, 1, 3))


class RedisBenchmark:
    def __init__(self, workload):
        self.keys = HOT_KEYS if workload == "hot" else ALL_KEYS
        self.rates = {}

    def closed(self, server, connections, depth, seconds):
        rate = self.rates.get((connections, depth), 50_000)
        requests = max(int(rate * seconds), connections * depth * 4)
        text = run(
            [
                need("redis-benchmark", "redis-tools"),
                "-p",
                str(server.port),
                "-c",
                str(connections),
                "-P",
                str(depth),
                "-n",
                str(requests),
                "-r",
                str(self.keys),
                "-q",
                "GET",
                "name:__rand_int__",
            ],
            server.name,
            30 + 20 * seconds,
        )
        found = re.findall(r"([\d.]+) requests per second", text)
        if not found:
            raise PeerProblem(f"redis-benchmark has reported no rate:\n{text[-800:]}")
        # It counts requests, not time: the rate of one run makes the length of the next.
        rate = self.rates[connections, depth] = float(found[-1])
        return {"requests": requests, "requests_per_second": rate, "generator_ns_per_request": None}


class Wrk:
    def __init__(self, work):
        self.script = os.path.join(work, "pipeline.lua")
        with open(self.script, "w") as file:
            file.write("""local requests
function init(arguments)
  local one, all = wrk.format("GET", "/name:000000000001"), {}
  for number = 1, tonumber(arguments[1]) do all[number] = one end
  requests = table.concat(all)
end
function request() return requests end
function done(summary, latency, all)
  local errors = summary.errors
  io.write(string.format("answers=%d microseconds=%d errors=%d\\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
""")

    def closed(self, server, connections, depth, seconds):
        # wrk counts whole seconds.
        length = max(1, round(seconds))
        text = run(
            [
                need("wrk", "wrk"),
                "-t",
                "1",
                "-c",
                str(connections),
                "-d",
                f"{length}s",
                "-s",
                self.script,
                f"http://127.0.0.1:{server.port}/",
                "--",
                str(depth),
            ],
            server.name,
            length + 30,
        )
        found = re.search(r"answers=(\d+) microseconds=(\d+) errors=(\d+)", text)
        if found is None or int(found[3]) > 0 or int(found[1]) == 0:
            raise PeerProblem(f"wrk against {server.name} met errors:\n{text}")
        requests = int(found[1])
        return {
            "requests": requests,
            "requests_per_second": requests / (int(found[2]) / 1e6),
            "generator_ns_per_request": None,
        }
