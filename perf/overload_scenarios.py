"""The scenarios of an overload: each measures servers under one kind of stress and returns plain samples; overload_goals.py judges."""

import json, os, random, subprocess, threading, time
from generators import run as run_pinned
from harness import ROOT
from overload_load import (
    CONNECTIONS,
    Beside,
    Watch,
    abuse_command,
    closed_loop,
    offer,
    offer_command,
    open_loop,
    resolve_many_absent,
)
from overload_servers import EdgeGateway, QueueingHAProxy, SlowGateway, resident_bytes, urgent
from peers import PeerProblem

LOADS = (0.1, 0.5, 0.9, 1, 1.4, 2, 5, 10)
PROCESSOR_LOADS = (0.1, 0.5, 0.9, 1, 2, 5, 10, 100)
# 10 permits of 2 ms are 5,000 requests a second: one processor offers ten times that and is not at its end, and the gateway
# refuses the nine tenths of it with half of its own.
PERMITS = 10
TENANTS = 8
TENANT_RATE = 200
ONE_NAME = {"depth": 16}
BIN_MILLISECONDS = 10
STEP_MILLISECONDS = 600
ADMISSION_OFF = os.path.join(ROOT, ".build", "admission-off", "release", "svc-gateway")
PROOFS = os.path.join(ROOT, "Benchmarks", ".build", "release")


class Run:
    """What the scenarios share: the kernel interface, the index, the lengths, and where progress is told."""

    def __init__(self, options, work, index, progress):
        self.io, self.options, self.work, self.index, self.progress = options.io, options, work, index, progress
        self.repeats, self.seconds = options.repeats, options.seconds

    def slow_gateway(self, *more, permits=PERMITS):
        return SlowGateway(self.io, permits, *more)

    def edge_gateway(self, name, **more):
        return EdgeGateway(name, self.io, self.work, self.index, settings="oap_concurrency = 100000\n", **more)


class Serving:
    """Servers for the length of a `with`."""

    def __init__(self, *servers):
        self.servers = servers

    def __enter__(self):
        return self.servers[0] if len(self.servers) == 1 else self.servers

    def __exit__(self, *_):
        for server in self.servers:
            server.stop()


def curve(run, server, capacity, loads, name, **more):
    """Goodput and latency at each multiple of the capacity, in random order, repeat by repeat."""
    samples = []
    for repeat in range(run.repeats):
        for load in random.sample(loads, len(loads)):
            run.progress(f"{name}: repeat {repeat + 1} of {run.repeats}, {load:g} times the capacity")
            samples.append({"repeat": repeat, "load": load, **open_loop(server, load * capacity, run.seconds, **more)})
    return samples


def permits(run):
    """Limited by permits: an index of 2 ms, the gateway's processor well below saturation."""
    server = run.slow_gateway()
    with Serving(server):
        # The service's own pace, timers included: what it gives when it is always asked.
        capacity = open_loop(server, 3 * PERMITS * 500, run.seconds)["goodput"]
        samples = curve(run, server, capacity, LOADS, "limited by permits")
    return {
        "permits": PERMITS,
        "capacity": capacity,
        "samples": samples,
        "peak_in_flight": server.outcome["pending_peak"],
    }


def ok_per_second(report, start, end):
    """Answers with 200 that came between two moments of a run, in milliseconds, whenever they were due."""
    bins = report["bins"][round(start / report["bin_ms"]) : round(end / report["bin_ms"])]
    return sum(row[1] for row in bins) * 1000 / (end - start)


def haproxy(run):
    """HAProxy with as many connections to a service of 2 ms and a queue, beside the gateway, at ten times the capacity."""
    gateway, peer = run.slow_gateway(), QueueingHAProxy(run.work, PERMITS)
    rate, samples = PERMITS * 500, []
    with Serving(gateway, peer):
        for repeat in range(run.repeats):
            for server, options in random.sample([(gateway, ()), (peer, ("--http",))], 2):
                for load in (0.9, 10):
                    run.progress(f"beside HAProxy: repeat {repeat + 1} of {run.repeats}, {server.name}, {load:g} times")
                    length = 1000 * run.seconds
                    watch = Watch(server)
                    report = offer(
                        server,
                        [(300 + length, 1)],
                        [("all", 1, CONNECTIONS, 1, load * rate)],
                        "--skip-ms",
                        "300",
                        *options,
                    )
                    group = report["groups"][0]
                    samples.append(
                        {
                            "repeat": repeat,
                            "server": server.name,
                            "load": load,
                            "goodput": ok_per_second(report, 300, 300 + length),
                            "refused": group["refused"],
                            "p99_us": group["latency_us"]["p99"],
                            "service_p99_us": group["service_us"]["p99"],
                            **watch.shares(),
                        }
                    )
    return {"samples": samples, "queue_milliseconds": QueueingHAProxy.QUEUE_MILLISECONDS}


def processor(run):
    """Limited by the gateway's own processor: resolve-many of 256 names, of which none is there."""
    workload = resolve_many_absent(run.options.keys)
    server = run.edge_gateway("edge gateway")
    shape = {"workload": workload, "depth": 4, "warmup": 0.8, "timeout": 3.0}
    with Serving(server):
        fast = closed_loop(server, 4, 0.5, workload)["requests_per_second"]
        # What it gives over as many connections when more than that is asked.
        capacity = open_loop(server, 1.5 * fast, run.seconds, **shape)["goodput"]
        samples = curve(run, server, capacity, PROCESSOR_LOADS, "limited by the processor", **shape)
    return {"capacity": capacity, "samples": samples}


def refusals(run):
    """What a refusal costs beside an accepted request, by kind of refusal: a resolve of one name at depth 16, of which the network is
    nearly all, and one of 256 names."""
    never_reached = "[quota.tenant]\nrequests_per_second = 10000000\nburst = 10000000\n"
    tenant = never_reached.replace("10000000", "1")
    everybody = "[quota.global]\nrequests_per_second = 1\nburst = 1\n"
    any_answer = "200,429,503,408"
    subjects = {
        "accepted": (run.edge_gateway("accepting gateway", quotas=never_reached), ONE_NAME, "200"),
        "tenant quota": (run.edge_gateway("tenant quota", quotas=tenant), ONE_NAME, any_answer),
        "global quota": (run.edge_gateway("global quota", quotas=everybody), ONE_NAME, any_answer),
        # The same backend with permits for all, and with one that is out for the whole run.
        "accepted, slow index": (run.slow_gateway(permits=100_000), ONE_NAME, "200"),
        "permits": (SlowGateway(run.io, 1, "--timeout", "3600000", delay=3_600_000_000), ONE_NAME, any_answer),
    }
    # As many at once as one turn serves.
    names = {"depth": 1, "connections": 8, "workload": resolve_many_absent(run.options.keys)}
    subjects["accepted, 256 names"] = (subjects["accepted"][0], names, "200")
    subjects["tenant quota, 256 names"] = (subjects["tenant quota"][0], names, any_answer)
    samples = []
    with Serving(*{server.port: server for server, _, _ in subjects.values()}.values()):
        for server, shape, expect in subjects.values():
            closed_loop(server, seconds=0.2, expect=expect, **shape)
        for repeat in range(max(7, run.repeats) if not run.options.quick else 3):
            for name in random.sample(list(subjects), len(subjects)):
                run.progress(f"what a refusal costs: repeat {repeat + 1}, {name}")
                server, shape, expect = subjects[name]
                sample = closed_loop(server, seconds=0.4, expect=expect, **shape)
                samples.append({"repeat": repeat, "kind": name, **sample})
    return {"samples": samples}


def steps(run):
    """From the capacity to 1.4 and to 10 times it within one request, in bins of 10 ms."""
    server, rate, found = run.slow_gateway(), PERMITS * 500 * 0.96, {}
    repeats = 3 if run.options.quick else 11
    with Serving(server):
        for repeat in range(repeats):
            for factor in random.sample((0.9, 1.4, 10), 3):
                run.progress(f"steps: repeat {repeat + 1} of {repeats}, to {factor:g} times")
                before = 1 if factor > 1 else factor
                report = offer(
                    server,
                    [(STEP_MILLISECONDS, before), (STEP_MILLISECONDS, factor)],
                    [("all", 1, CONNECTIONS, 16, rate)],
                    "--bin-ms",
                    str(BIN_MILLISECONDS),
                )
                found.setdefault(f"{factor:g}", []).append(report["bins"])
    return {"bin_ms": BIN_MILLISECONDS, "step_ms": STEP_MILLISECONDS, "rate": rate, "bins": found}


def adaptive(run):
    """The adaptive limit at constant 0.9x of the capacity, where it has nothing to refuse, and at 10x."""
    samples = []
    with Serving(run.slow_gateway("--adaptive")) as server:
        capacity = open_loop(server, 3 * PERMITS * 500, run.seconds)["goodput"]
        for repeat in range(run.repeats):
            for load in random.sample((0.9, 10), 2):
                run.progress(f"adaptive limit: repeat {repeat + 1} of {run.repeats}, {load:g} times the capacity")
                samples.append({"repeat": repeat, "load": load, **open_loop(server, load * capacity, 2 * run.seconds)})
    return {"capacity": capacity, "samples": samples}


def neighbours(run):
    """A tenant at 100 times its quota beside one within it: what the second one's p99 becomes."""
    server = run.slow_gateway("--tenant-rate", str(TENANT_RATE), permits=64)
    seconds = 2 * run.seconds
    victim = [
        *urgent(),
        *offer_command(
            server.port, [(300 + 1000 * seconds, 1)], [("within", 1, 50, 4, 0.75 * TENANT_RATE)], ("--skip-ms", "300")
        ),
    ]
    flood = offer_command(server.port, [(800 + 1000 * seconds, 1)], [("beyond", 2, 16, 64, 100 * TENANT_RATE)])
    samples = []
    with Serving(server):
        for repeat in range(max(7, run.repeats) if not run.options.quick else 3):
            for flooded in random.sample((False, True), 2):
                run.progress(f"neighbours: repeat {repeat + 1}, {'with' if flooded else 'without'} a flood")
                beside = Beside(flood) if flooded else None
                try:
                    time.sleep(0.5 if flooded else 0)
                    report = json.loads(run_pinned(victim, server.name, seconds + 30))
                    other = beside.result(30)["groups"][0] if beside else None
                finally:
                    if beside:
                        beside.stop()
                group = report["groups"][0]
                samples.append(
                    {
                        "repeat": repeat,
                        "flooded": flooded,
                        "due": group["due"],
                        "ok": group["ok"],
                        "p50_us": group["latency_us"]["p50"],
                        "p99_us": group["latency_us"]["p99"],
                        "flood": other and {"due": other["due"], "ok": other["ok"], "refused": other["refused"]},
                    }
                )
    return {"tenant_rate": TENANT_RATE, "samples": samples}


def fairness(run):
    """Eight tenants with the same claim at ten times the capacity: all offering the same, and one of them half of everything."""
    samples, capacity = [], PERMITS * 500
    with Serving(run.slow_gateway()) as server:
        for repeat in range(run.repeats):
            for offers in random.sample(("equal", "one offers half"), 2):
                run.progress(f"fairness: repeat {repeat + 1} of {run.repeats}, {offers}")
                shares = [1 / TENANTS] * TENANTS if offers == "equal" else [0.5] + [0.5 / (TENANTS - 1)] * (TENANTS - 1)
                groups = [
                    (f"tenant{number + 1}", number + 1, CONNECTIONS // TENANTS, 16, 10 * capacity * share)
                    for number, share in enumerate(shares)
                ]
                report = offer(server, [(400 + 1000 * run.seconds, 1)], groups, "--skip-ms", "400")
                samples.append({"repeat": repeat, "offers": offers, "ok": [group["ok"] for group in report["groups"]]})
    return {"tenants": TENANTS, "samples": samples}


def reserve(run):
    """A fifth of the permits for critical tenants, everybody else at ten times the capacity."""
    samples, capacity = [], PERMITS * 500
    server = run.slow_gateway("--critical-reserve", str(PERMITS // 5), "--critical-tenant", "9")
    with Serving(server):
        for repeat in range(run.repeats):
            run.progress(f"reserve: repeat {repeat + 1} of {run.repeats}")
            groups = [("critical", 9, 50, 16, 0.15 * capacity), ("others", 1, CONNECTIONS - 50, 16, 10 * capacity)]
            report = offer(server, [(400 + 1000 * run.seconds, 1)], groups, "--skip-ms", "400")
            critical, others = report["groups"]
            samples.append(
                {
                    "repeat": repeat,
                    "due": critical["due"],
                    "ok": critical["ok"],
                    "refused": critical["refused"],
                    "p99_us": critical["latency_us"]["p99"],
                    "others_ok": others["ok"],
                    "others_refused": others["refused"],
                }
            )
    return {"reserve": PERMITS // 5, "permits": PERMITS, "samples": samples}


class MemoryWatch:
    """The most anonymous memory of a process while it is watched."""

    def __init__(self, pid):
        self.pid, self.peak, self.over = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.over.wait(0.02):
            self.peak = max(self.peak, resident_bytes(self.pid))

    def stop(self):
        self.over.set()
        self.thread.join()
        return self.peak


def abuse(run):
    """Honest clients at a quarter of what the gateway can do, with and without everything that broken and hostile ones do."""
    server, samples = run.edge_gateway("abused gateway"), []
    seconds = 2 * run.seconds
    with Serving(server):
        rate = 0.25 * closed_loop(server, 1, 0.5, connections=CONNECTIONS)["requests_per_second"]
        ceiling = server.metric("memory_ceiling_bytes")
        watch = MemoryWatch(server.pid)
        try:
            for repeat in range(run.repeats):
                for abused in random.sample((False, True), 2):
                    run.progress(f"abuse: repeat {repeat + 1} of {run.repeats}, {'with' if abused else 'without'} it")
                    beside = Beside(abuse_command(server.port, seconds + 2.0)) if abused else None
                    try:
                        time.sleep(0.5 if abused else 0)
                        sample = open_loop(server, rate, seconds)
                        done = beside.result(30) if beside else None
                    finally:
                        if beside:
                            beside.stop()
                    samples.append({"repeat": repeat, "abused": abused, "abuse": done, **sample})
        finally:
            peak = watch.stop()
    return {"rate": rate, "memory_ceiling": ceiling, "memory_peak": peak, "samples": samples}


def cost(run):
    """Processor time of a request with quotas, fairness and metrics against a build without admission."""
    if not os.path.exists(ADMISSION_OFF):
        raise PeerProblem(f"{ADMISSION_OFF} is missing; 'make overload' builds it")
    servers = {
        "on": run.edge_gateway("with admission"),
        "off": run.edge_gateway("without admission", binary=ADMISSION_OFF, quotas=""),
    }
    samples = []
    with Serving(*servers.values()):
        for depth in (1, 64):
            for server in servers.values():
                closed_loop(server, depth, 0.3)
            # Short ones and many: what else the machine does changes from second to second, and must be the same for both of a pair.
            for repeat in range(61 if not run.options.quick else 9):
                for name in random.sample(list(servers), 2):
                    run.progress(f"admission's own cost: depth {depth}, repeat {repeat + 1}, {name}")
                    samples.append(
                        {"repeat": repeat, "depth": depth, "admission": name, **closed_loop(servers[name], depth, 0.15)}
                    )
    return {"samples": samples}


def exactness(run):
    """The proofs over long random histories: programs of their own, run once, JSON as they print it."""
    found = {}
    for name, arguments in (("admission-proof", []), ("permit-proof", [])):
        path = os.path.join(PROOFS, name)
        if not os.path.exists(path):
            found[name] = {"problem": f"there is no {name}; 'make overload' builds it"}
            continue
        run.progress(f"exactness: {name}")
        done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=180)
        try:
            found[name] = json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError):
            raise PeerProblem(f"{name}: exit {done.returncode}\n{done.stdout[-400:]}{done.stderr[-400:]}") from None
    return found


# In the order they run and are shown.
ALL = {
    scenario.__name__: scenario
    for scenario in (
        permits,
        haproxy,
        processor,
        refusals,
        steps,
        adaptive,
        neighbours,
        fairness,
        reserve,
        abuse,
        cost,
        exactness,
    )
}
