"""The loads of the overload scenarios. Each runs on the generators' processor, against one server, and returns a flat sample."""

import json, os, subprocess, time
from generators import KEY_FORMAT, run
from harness import ROOT, read_report, tool
from overload_servers import program
from peers import GENERATOR_PROCESSOR, SERVER_PROCESSOR, PeerProblem, pinned

CONNECTIONS = 1000
# What a limit answers with; everything else that is no 200 is a fault.
REFUSALS = {"quota_exhausted", "too_many_inflight", "ingress_exhausted", "overloaded", "deadline_exceeded"}


class Watch:
    """What a server, and what everybody else, has of the servers' processor from now on."""

    def __init__(self, server):
        self.server, self.spent, self.busy, self.start = (
            server,
            server.processor_nanoseconds(),
            busy_ns(),
            time.monotonic(),
        )

    def shares(self):
        elapsed = 1e9 * (time.monotonic() - self.start)
        own = (self.server.processor_nanoseconds() - self.spent) / elapsed
        return {"server_share": own, "others_share": max(0.0, (busy_ns() - self.busy) / elapsed - own)}


def busy_ns():
    """Time that the servers' processor was not idle, its host's other guests included."""
    with open("/proc/stat") as file:
        for line in file:
            name, *ticks = line.split()
            if name == f"cpu{SERVER_PROCESSOR}":
                user, nice, system, _, _, *interrupts = map(int, ticks[:8])
                return (user + nice + system + sum(interrupts)) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    return 0


def bench_command(server, load, connections, depth, seconds, workload, warmup, prefix=()):
    return [
        *prefix,
        *(tool("oap-bench"), "--server", f"127.0.0.1:{server.port}", *load, "--connections", str(connections)),
        *("--depth", str(depth), "--duration", f"{round(seconds * 1000)}ms", "--warmup", f"{round(warmup * 1000)}ms"),
        *("--no-live", "--format", "json", *workload),
    ]


def resolve(keys=1000):
    return ["--workload", "resolve", "--key-count", str(keys), "--key-format", KEY_FORMAT]


def resolve_many_absent(keys, each=256):
    """Names that are not in the index: all the work of looking them up, and a short answer."""
    return [
        *("--workload", "resolve-many", "--keys-per-request", str(each), "--hit-ratio", "0"),
        *("--key-count", str(keys), "--key-format", KEY_FORMAT),
    ]


def sample_of(text):
    """What a scenario needs of a report of oap-bench."""
    report = read_report(text)
    outcome = report["outcome"]
    if not outcome["elapsedSeconds"]:
        raise PeerProblem("no connection was to be had: the gateway reset them all, and its log says why")
    refused = {row["code"]: row["count"] for row in report["statuses"] if row.get("code") and not row["isExpected"]}
    strange = set(refused) - REFUSALS
    if strange or outcome["invalidAnswers"] or outcome["unexpectedFrames"]:
        raise PeerProblem(f"answers that no limit gives: {', '.join(strange) or 'invalid ones'}")
    return {
        "due_per_second": outcome["requestsDue"] / outcome["elapsedSeconds"],
        "goodput": outcome["successes"] / outcome["elapsedSeconds"],
        "answers": outcome["answers"],
        "refused": refused,
        "unsent": outcome["unsent"],
        "unanswered": outcome["unanswered"],
        "lost": outcome["connectionsLost"],
        "p50_us": report["latency_us"]["p50"],
        "p99_us": report["latency_us"]["p99"],
        "service_p99_us": next(
            (row["microseconds"] for row in report["serviceTime"]["percentiles"] if row["percentile"] == 99), 0
        ),
        "generator_share": report["generator"]["processorShareMax"],
        "bottlenecks": report["bottlenecks"],
    }


def open_loop(server, rate, seconds, workload=None, connections=CONNECTIONS, depth=16, warmup=0.4, timeout=1.0):
    """oap-bench at `rate`; refusals are no failure here."""
    command = bench_command(
        server, ["--rate", str(max(1, round(rate)))], connections, depth, seconds, workload or resolve(), warmup
    )
    command += ["--timeout", f"{round(timeout * 1000)}ms"]
    watch = Watch(server)
    text = run(command, server.name, seconds + warmup + timeout + 60, statuses=(0, 1, 3))
    return {**sample_of(text), **watch.shares()}


def closed_loop(server, depth, seconds, workload=None, connections=50, expect="200", tenants=64):
    """oap-bench as fast as the server answers, and the server's processor time for each answer."""
    load = ["--closed", "--expect", expect, "--tenants", str(tenants)]
    command = bench_command(server, load, connections, depth, seconds, workload or resolve(), 0)
    before = server.processor_nanoseconds()
    report = read_report(run(command, server.name, seconds + 60, statuses=(0, 1, 3)))
    spent = server.processor_nanoseconds() - before
    answers = report["outcome"]["answers"]
    statuses = {(row.get("code") or "ok"): row["count"] for row in report["statuses"]}
    return {
        "cpu_ns_per_request": spent / max(1, answers),
        "requests_per_second": report["requests_per_s"],
        "ok_share": statuses.get("ok", 0) / max(1, answers),
        "statuses": statuses,
        "generator_us_per_request": report["cpu"]["us_per_request"],
    }


def offer_command(port, phases, groups, options=()):
    command = [program("offer"), str(port), "--phases", ",".join(f"{ms:g}:{factor:g}" for ms, factor in phases)]
    for name, tenant, connections, depth, rate in groups:
        command += ["--group", f"{name}:{tenant}:{connections}:{depth}:{rate:g}"]
    return [*command, *options]


def offer(server, phases, groups, *options):
    """offer's report: by group, by bin. `groups` are (name, tenant, connections, depth, rate)."""
    text = run(
        offer_command(server.port, phases, groups, options), server.name, 60 + sum(ms for ms, _ in phases) / 1000
    )
    return json.loads(text)


class Beside:
    """A load that goes on beside a measured one, on the same processor; its report when it is waited for."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            pinned(GENERATOR_PROCESSOR, command), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def result(self, seconds):
        try:
            out, errors = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.stop()
            raise PeerProblem(f"{self.process.args[3]} did not end within {seconds:.0f} s") from None
        if self.process.returncode != 0:
            raise PeerProblem(f"{self.process.args[3]}: exit {self.process.returncode}\n{errors[-800:]}")
        return json.loads(out)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def abuse_command(port, seconds, slow=200, tricklers=200, hellos=20_000, connects=500, cancels=200):
    return [
        program("abuse"),
        str(port),
        *(f"{value:g}" for value in (seconds, slow, tricklers, hellos, connects, cancels)),
    ]
