"""The goals of an overload, in the shape of the comparison's: each with what it asks, what was measured, and whether it is met."""

import statistics
from compare_goals import goal, of_samples


def goals(result):
    found, problems = result["scenarios"], result["problems"]
    rows = []
    for name, judge in (
        ("permits", of_permits),
        ("haproxy", of_haproxy),
        ("processor", of_processor),
        ("refusals", of_refusals),
        ("steps", of_steps),
        ("adaptive", of_adaptive),
        ("neighbours", of_neighbours),
        ("fairness", of_fairness),
        ("reserve", of_reserve),
        ("abuse", of_abuse),
        ("cost", of_cost),
        ("exactness", of_exactness),
    ):
        if name not in result["options"]["scenarios"]:
            continue
        for row in judge(found.get(name)):
            if row["measured"] is None and name in problems:
                row["reason"] = problems[name]
            rows.append(row)
    return rows


def at(samples, **wanted):
    """The samples with these values, in the order of their repeats."""
    rows = [row for row in samples or () if all(row[name] == value for name, value in wanted.items())]
    return sorted(rows, key=lambda row: row["repeat"])


def by_repeat(samples, over, under, value):
    """Ratios within each repeat of a value of two selections."""
    return [a[value] / b[value] for a, b in zip(at(samples, **over), at(samples, **under)) if b[value]]


def of_peak(samples, load):
    """Goodput at a load over the best goodput of the same repeat."""
    ratios = []
    for row in at(samples, load=load):
        best = max(other["goodput"] for other in samples if other["repeat"] == row["repeat"])
        ratios.append(row["goodput"] / best)
    return ratios


def of_permits(found):
    samples = found and found["samples"]
    rows = [
        of_samples(
            f"Goodput at {load}x, limited by permits, of its peak", target, of_peak(samples, load), at_least=True
        )
        for load, target in ((2, 0.98), (10, 0.95))
    ]
    for load in (1.4, 2, 5, 10):
        rows.append(
            of_samples(
                f"p99 of accepted requests at {load}x, limited by permits, against 0.9x",
                2.0,
                by_repeat(samples, {"load": load}, {"load": 0.9}, "p99_us"),
            )
        )
    rows.append(
        of_samples(
            "Refused at 0.9x, limited by permits, of all requests",
            0,
            [100 * sum(row["refused"].values()) / max(1, row["answers"]) for row in at(samples, load=0.9)],
            unit="%",
        )
    )
    rows.append(
        of_samples(
            "The gateway's share of a processor at 10x, limited by permits",
            0.8,
            [row["server_share"] for row in at(samples, load=10)],
            unit="",
        )
    )
    rows.append(
        of_samples(
            "CPU of a refusal at 10x, limited by permits, against an accepted request at 0.9x",
            0.3,
            [
                refusal / (accepted["server_share"] / accepted["goodput"])
                for accepted, refusal in zip(at(samples, load=0.9), refusal_costs(samples))
            ],
        )
    )
    peak = found and found["peak_in_flight"] / found["permits"]
    rows.append(goal("Peak in flight, of the limit", 1.0, peak, reason="the index's own count over the whole scenario"))
    return rows


def refusal_costs(samples):
    """Processor seconds of each refusal at 10x, once what it answers otherwise is charged as at 0.9x, by repeat."""
    costs = []
    for accepted, row in zip(at(samples, load=0.9), at(samples, load=10)):
        served = row["goodput"] * accepted["server_share"] / accepted["goodput"]
        costs.append((row["server_share"] - served) / (row["due_per_second"] - row["goodput"]))
    return costs


def of_haproxy(found):
    samples, ratios = found and found["samples"], []
    for row in at(samples, load=10):
        if not row["server"].startswith("haproxy"):
            peer = [
                other for other in at(samples, load=10, repeat=row["repeat"]) if other["server"].startswith("haproxy")
            ]
            ratios += [row["goodput"] / other["goodput"] for other in peer if other["goodput"]]
    return [of_samples("Goodput at 10x against HAProxy with maxconn and a queue", 1.0, ratios, at_least=True)]


def of_processor(found):
    samples = found and found["samples"]
    rows = [
        of_samples(
            f"Goodput at {load}x, limited by the processor, of its peak", target, of_peak(samples, load), at_least=True
        )
        for load, target in ((2, 0.95), (10, 0.85), (100, 0.50))
    ]
    for load in (2, 10):
        rows.append(
            of_samples(
                f"p99 of accepted requests at {load}x, limited by the processor, against 0.9x",
                2.0,
                by_repeat(samples, {"load": load}, {"load": 0.9}, "p99_us"),
            )
        )
    return rows


def of_refusals(found):
    samples = found and found["samples"]
    return [
        of_samples(
            f"CPU of a refusal by {kind} against an accepted request ({base})",
            0.3,
            by_repeat(samples, {"kind": kind}, {"kind": accepted}, "cpu_ns_per_request"),
        )
        for kind, accepted, base in (
            ("tenant quota, 256 names", "accepted, 256 names", "the same"),
            ("tenant quota", "accepted", "hot resolve, depth 16"),
            ("global quota", "accepted", "hot resolve, depth 16"),
            ("permits", "accepted, slow index", "slow index, depth 16"),
        )
    ]


def settled_milliseconds(found, factor):
    """How long after the step goodput is below 0.95 of what it becomes, or p99 above twice that of 0.9x, for the last time.
    A bin is the median of the repeats, so that a pause of the whole machine in one of them is not taken for the gateway's.
    """
    runs, first = found["bins"][factor], found["step_ms"] // found["bin_ms"]
    last = 2 * first - 1
    usual = [row[4] for bins in found["bins"]["0.9"] for row in bins[first // 2 : last] if row[1]]
    bound = 2 * statistics.median(usual)
    answers = [statistics.median(bins[place][1] for bins in runs) for place in range(first, last)]
    p99 = [statistics.median(bins[place][4] for bins in runs) for place in range(first, last)]
    steady = statistics.median(answers[len(answers) // 2 :])
    unstable = [place for place, (ok, late) in enumerate(zip(answers, p99)) if ok < 0.95 * steady or late > bound]
    return (unstable[-1] + 1) * found["bin_ms"] if unstable else 0


def of_steps(found):
    return [
        goal(
            f"A step from 1x to {factor}x is stable after",
            target,
            found and settled_milliseconds(found, factor),
            unit="ms",
            digits=0,
            reason="in bins of 10 ms: goodput at 0.95 of what it becomes, p99 within twice that of 0.9x",
        )
        for factor, target in (("1.4", 20), ("10", 100))
    ]


def of_adaptive(found):
    samples = found and found["samples"]
    return [
        of_samples(
            "Refused at 0.9x with the adaptive limit, of all requests",
            0,
            [100 * sum(row["refused"].values()) / max(1, row["answers"]) for row in at(samples, load=0.9)],
            unit="%",
        ),
        of_samples(
            "Goodput at 10x with the adaptive limit, of the capacity",
            0.95,
            [row["goodput"] / found["capacity"] for row in at(samples, load=10)],
            at_least=True,
        ),
    ]


def of_neighbours(found):
    samples = found and found["samples"]
    return [
        of_samples(
            "p99 of a tenant beside one at 100x its quota, against without",
            1.05,
            by_repeat(samples, {"flooded": True}, {"flooded": False}, "p99_us"),
        ),
        failed("Requests of that tenant that failed", at(samples, flooded=True)),
    ]


def failed(name, samples):
    """The most of any repeat."""
    count = max((row["due"] - row["ok"] for row in samples), default=None) if samples else None
    due = sum(row["due"] for row in samples or ())
    return goal(name, 0, count, unit="", digits=0, reason=f"the most of any repeat; {due:,} in all were due")


def jain(values):
    return sum(values) ** 2 / (len(values) * sum(value * value for value in values)) if any(values) else 0


def of_fairness(found):
    samples = found and found["samples"]
    return [
        of_samples(
            f"Jain's index of 8 equal tenants at 10x, {words}",
            0.98,
            [jain(row["ok"]) for row in at(samples, offers=offers)],
            unit="",
            at_least=True,
            digits=3,
        )
        for offers, words in (
            ("equal", "all offering the same"),
            ("one offers half", "one offering half of everything"),
        )
    ]


def of_reserve(found):
    samples = found and found["samples"]
    return [failed("Requests of a critical tenant that failed at 10x, with a reserve of 20 %", samples)]


def of_abuse(found):
    samples = found and found["samples"]
    return [
        of_samples(
            "Honest goodput under abuse, of that without",
            0.90,
            by_repeat(samples, {"abused": True}, {"abused": False}, "goodput"),
            at_least=True,
        ),
        goal(
            "Memory under abuse, of the printed ceiling",
            1.0,
            found and found["memory_peak"] / found["memory_ceiling"],
            reason="most anonymous memory over memory_ceiling_bytes",
        ),
    ]


def of_cost(found):
    samples = found and found["samples"]
    return [
        of_samples(
            f"CPU of a request with admission against a build without, depth {depth}",
            target,
            by_repeat(
                samples, {"depth": depth, "admission": "on"}, {"depth": depth, "admission": "off"}, "cpu_ns_per_request"
            ),
        )
        for depth, target in ((1, 1.05), (64, 1.15))
    ]


def of_exactness(found):
    quota, permit = ((found or {}).get(name) or {} for name in ("admission-proof", "permit-proof"))

    def missing(proof):
        return proof.get("problem", "not measured in this run")

    operations, ratios = quota.get("operations"), quota.get("ratios") or []
    least = min((row["ratio"] if isinstance(row, dict) else row for row in ratios), default=None)
    return [
        goal(
            "Windows in which more than burst + rate × time was admitted",
            0,
            quota.get("violations"),
            unit="",
            digits=0,
            reason=f"{operations:,} random operations on 2 threads" if operations else missing(quota),
        ),
        goal(
            "Admitted less than an ideal bucket, 0.5x to 100x",
            0.5,
            least and 100 * (1 - least),
            unit="%",
            digits=3,
            reason="the least of all loads" if least is not None else missing(quota),
        ),
        goal(
            "Peak of permits out, of the limit",
            1.0,
            permit["peak"] / permit["limit"] if permit.get("limit") else None,
            reason=(
                f"{permit['operations']:,} acquires and releases on 2 threads"
                if permit.get("limit")
                else missing(permit)
            ),
            digits=6,
        ),
        goal(
            "Acquire and release of a permit",
            20,
            permit.get("nanosecondsPerPair"),
            unit="ns",
            reason="uncontended" if "nanosecondsPerPair" in permit else missing(permit),
        ),
    ]
