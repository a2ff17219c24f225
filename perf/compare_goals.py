"""The goals: each with what it asks, what was measured, and whether it is met. `met` is None, with a reason, for what this
run or this machine cannot show. A goal is met when its median, as shown (two decimals for ratios), meets it."""

import statistics


class Results:
    """Values and ratios of one run, by subject and shape."""

    def __init__(self, result):
        self.result, self.extra = result, result["extra"]

    def values(self, subject, shape, field="cpu_ns_per_request"):
        rows = [
            sample
            for sample in self.result["samples"]
            if sample["subject"] == subject and (sample["connections"], sample["depth"]) == shape
        ]
        return [row[field] for row in sorted(rows, key=lambda row: row["repeat"])]

    def ratios(self, subject, base, shape):
        return [own / other for own, other in zip(self.values(subject, shape), self.values(base, shape))]


def goal(name, target, measured, unit="x", spread=None, at_least=False, reason=None, digits=2):
    met = None
    if measured is not None:
        measured = round(measured, digits)
        met = measured >= target if at_least else measured <= target
    return {
        "name": name,
        "target": target,
        "at_least": at_least,
        "unit": unit,
        "measured": measured,
        "spread": spread and [round(value, digits) for value in spread],
        "met": met,
        "reason": reason or "median of the repeats",
    }


def of_samples(name, target, values, missing="not measured in this run", **more):
    """A goal on the median of `values`, with their spread."""
    if not values:
        return goal(name, target, None, reason=missing, **more)
    return goal(name, target, statistics.median(values), spread=(min(values), max(values)), **more)


def goals(result):
    run = Results(result)
    return [
        *processor(run),
        *calls_and_memory_traffic(run),
        *backends(run),
        *latency(run),
        *connections(run),
        *generator(run),
    ]


def processor(run):
    rows = []
    for keys, words, targets in (
        ("uniform", "uniform over 1,000,000 keys", (0.70, 0.75, 0.75)),
        ("hot", "hot set of 1,000 keys", (0.70, 0.65, 0.60)),
    ):
        for depth, target in zip((1, 16, 64), targets):
            rows.append(
                of_samples(
                    f"CPU against Redis GET, {words}, depth {depth}",
                    target,
                    run.ratios(f"gateway io_uring {keys}", f"redis {keys}", (50, depth)),
                )
            )
    for io in ("io_uring", "epoll"):
        for workload, words, targets in (("ping", "PING", (1.25, 1.25, 1.5)), ("hot", "hot resolve", (1.25, 1.6, 2.5))):
            for depth, target in zip((1, 16, 64), targets):
                rows.append(
                    of_samples(
                        f"CPU against the {io} floor, {words}, depth {depth}",
                        target,
                        run.ratios(f"gateway {io} {workload}", f"floor {io} {workload}", (50, depth)),
                    )
                )
    return rows


def calls_and_memory_traffic(run):
    rows, calls = [], run.extra.get("system_calls", {"method": None, "rows": []})
    for depth, target in ((1, 1.1), (32, 0.10)):
        found = [
            row["per_request"]
            for row in calls["rows"]
            if row["subject"] == "gateway io_uring hot" and row["depth"] == depth
        ]
        rows.append(
            goal(
                f"System calls per request, io_uring, depth {depth}",
                target,
                found[0] if found else None,
                unit="",
                digits=3,
                reason=(
                    calls["method"]
                    if found
                    else "neither perf nor strace may count here" if not calls["method"] else "not measured in this run"
                ),
            )
        )
    allocations = run.extra.get("allocations", {})
    worst = max((row["per_request"] for row in allocations.get("rows", [])), default=None)
    rows.append(
        goal(
            "Heap allocations per request, in steady state",
            0,
            worst,
            unit="",
            digits=3,
            reason=(
                "the worst of both backends at depth 1 and 64"
                if worst is not None
                else allocations.get("problem", "not measured in this run")
            ),
        )
    )
    retains = run.extra.get("retains", {})
    worst = max(
        (row["retains_per_request"] + row["releases_per_request"] for row in retains.get("runs", [])), default=None
    )
    rows.append(
        goal(
            "retain + release per request",
            2,
            worst,
            unit="",
            reason=(
                retains.get("problem", "not measured in this run")
                if worst is None
                else "the worst of ping and resolve at depth 1 and 64, every call counted under callgrind, on epoll"
            ),
        )
    )
    return rows


def backends(run):
    rows = []
    for shape, target in (((50, 1), 0.90), ((50, 16), 1.03), ((50, 64), 1.03), ((1, 1), 1.03), ((1000, 1), 1.03)):
        connections = "1 connection" if shape[0] == 1 else f"{shape[0]:,} connections"
        rows.append(
            of_samples(
                f"CPU of io_uring against our epoll, {connections}, depth {shape[1]}",
                target,
                run.ratios("gateway io_uring hot", "gateway epoll hot", shape),
            )
        )
    workers = run.extra.get("two_workers", {}).get("samples", [])
    for io in ("io_uring", "epoll"):
        one, two = (
            [row["cpu_ns_per_request"] for row in workers if row["io"] == io and row["workers"] == count]
            for count in (1, 2)
        )
        rows.append(of_samples(f"CPU of two workers against one, {io}", 1.08, [b / a for a, b in zip(one, two)]))
    return rows


def latency(run):
    rows, samples = [], run.extra.get("latency", {}).get("samples", [])

    def percentiles(subject, load, field):
        found = [row for row in samples if row["subject"] == subject and row["load"] == load]
        return [row[field] for row in sorted(found, key=lambda row: row["repeat"])]

    def ratio(name, target, load, field, subject, base):
        both = list(zip(percentiles(subject, load, field), percentiles(base, load, field)))
        return of_samples(name, target, [own / other for own, other in both if own and other])

    loads = list(dict.fromkeys(row["load"] for row in samples)) or ["70 % of the gateway's capacity"]
    for load in loads:
        rows.append(
            ratio(
                f"p99 of io_uring against our epoll at {load}",
                1.0,
                load,
                "p99_us",
                "gateway io_uring hot",
                "gateway epoll hot",
            )
        )
    load = "70 % of HAProxy's capacity"
    for io in ("io_uring", "epoll"):
        rows.append(
            ratio(
                f"p99.9 of {io} against HAProxy mode tcp at {load}",
                0.8,
                load,
                "p99_9_us",
                f"gateway {io} hot",
                "haproxy tcp hot",
            )
        )
    return rows


def connections(run):
    rows, memory = [], run.extra.get("memory", [])
    for io in ("io_uring", "epoll"):
        found = [
            row["bytes_each"] for row in memory if row["server"] == f"gateway {io}" and row["connections"] == 10_000
        ]
        rows.append(
            goal(
                f"User memory of each of 10,000 idle connections, {io}",
                512,
                found[0] if found else None,
                unit="B",
                digits=0,
                reason="growth of anonymous memory" if found else "not measured in this run",
            )
        )
    closing = run.extra.get("closing", {}).get("samples", [])
    for io in ("io_uring", "epoll"):
        still, closes = (
            [row["p99_us"] for row in closing if row["io"] == io and row["closes"] == which] for which in (False, True)
        )
        rows.append(
            of_samples(
                f"Closing 5,000 connections at once adds to the others' p99, {io}",
                2.0,
                [(b - a) / 1000 for a, b in zip(still, closes)],
                unit="ms",
            )
        )
    return rows


def generator(run):
    rows = []
    for depth, target in ((1, 1.0), (16, 0.6), (64, 0.6)):
        own = run.values("gateway io_uring hot", (50, depth), "generator_ns_per_request")
        rows.append(
            of_samples(
                f"CPU of oap-bench against the gateway's, depth {depth}",
                target,
                [a / b for a, b in zip(own, run.values("gateway io_uring hot", (50, depth)))],
            )
        )
    rates = run.values("floor io_uring ping", (50, 64), "requests_per_second")
    rows.append(
        of_samples(
            "Pipelined requests a second from one core of oap-bench",
            1_000_000,
            rates,
            unit="/s",
            at_least=True,
            digits=0,
        )
    )
    return rows
