"""An overload run for people: the table of goals for a terminal, and one page with it and the plots."""

import statistics
from compare_report import VERDICTS, aligned, escape, goals_table, summary
from linechart import chart
from overload_goals import at

GATEWAY, PEER, IDEAL, SECOND = "#c2410c", "#1d4ed8", "#64748b", "#15803d"
STYLE = """
:root { color-scheme: light dark; --line: #cbd5e1; --bad: #b91c1c; --good: #15803d; }
@media (prefers-color-scheme: dark) { :root { --line: #475569; --bad: #f87171; --good: #4ade80; } }
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; max-width: 1180px; margin: 0 auto; padding: 16px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 16px; }
svg { width: 100%; height: auto; display: block; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th:first-child, td:first-child, th:last-child, td:last-child { text-align: left; }
th:first-child { min-width: 22em; }
.missed { color: var(--bad); font-weight: bold; } .met { color: var(--good); }
@media print { .plots { grid-template-columns: 1fr 1fr; } svg { break-inside: avoid; } }
"""


def conditions(result):
    where, options = result["environment"], result["options"]
    return (
        f"{result['date']}, svc-gateway {result['versions']['gateway']}, {options['io']}, {where['processor']}, "
        f"{where['processors']} processors, Linux {where['kernel']}. One worker on a processor of its own, the load on another; "
        f"open loop over 1,000 connections unless a row says otherwise; {options['repeats']} interleaved repeats of "
        f"{options['seconds']:g} s, medians of the ratios within a repeat (minimum–maximum)."
    )


OTHERS_MAX = 0.05


def disturbance(result):
    """A sentence when the machine was not the run's own; empty when it was."""
    rows = [row for found in result["scenarios"].values() for row in found.get("samples", ()) if "others_share" in row]
    disturbed = [row["others_share"] for row in rows if row["others_share"] > OTHERS_MAX]
    if len(disturbed) * 10 <= len(rows):
        return ""
    return (
        f"In {len(disturbed)} of {len(rows)} samples other processes or guests of the host had more than {100 * OTHERS_MAX:.0f} % of "
        f"the gateway's processor (median {100 * statistics.median(disturbed):.0f} %): goodput and latencies of this run prove "
        "little. Stop what else runs, and measure again."
    )


def curve_table(title, found):
    """A row for each load: what was offered, served, refused and how late."""
    rows = []
    for load in sorted({row["load"] for row in found["samples"]}):
        own = at(found["samples"], load=load)

        def middle(value):
            return statistics.median(row[value] for row in own)

        refused = statistics.median(sum(row["refused"].values()) / max(1, row["answers"]) for row in own)
        codes = sorted({code for row in own for code in row["refused"]})
        rows.append(
            [
                f"{load:g}x",
                f"{middle('due_per_second'):,.0f}",
                f"{middle('goodput'):,.0f}",
                f"{middle('p50_us') / 1000:.2f}",
                f"{middle('p99_us') / 1000:.2f}",
                f"{middle('service_p99_us') / 1000:.2f}",
                f"{100 * refused:.1f} %",
                f"{middle('unsent'):,.0f}",
                f"{100 * middle('server_share'):.0f} %",
                f"{100 * middle('generator_share'):.0f} %",
                ", ".join(codes) or "–",
            ]
        )
    head = [
        title,
        "offered/s",
        "200s/s",
        "p50 ms",
        "p99 ms",
        "from send",
        "refused",
        "unsent",
        "server",
        "generator",
        "codes",
    ]
    return head, rows


def haproxy_table(found):
    rows = []
    for server in dict.fromkeys(
        row["server"] for row in sorted(found["samples"], key=lambda row: row["server"], reverse=True)
    ):
        for load in (0.9, 10):
            own = at(found["samples"], server=server, load=load)
            rows.append(
                [
                    f"{server}, {load:g}x",
                    *(
                        f"{statistics.median(row[name] for row in own) / scale:,.2f}"
                        for name, scale in (("goodput", 1), ("p99_us", 1000), ("service_p99_us", 1000))
                    ),
                    f"{100 * statistics.median(row['server_share'] for row in own):.0f} %",
                    ", ".join(sorted({code for row in own for code in row["refused"]})) or "–",
                ]
            )
    return ["beside HAProxy, depth 1", "200s/s", "p99 ms", "from send", "server", "codes"], rows


def refusal_table(found):
    rows = []
    for kind in dict.fromkeys(row["kind"] for row in sorted(found["samples"], key=lambda row: row["kind"])):
        own = at(found["samples"], kind=kind)
        values = [row["cpu_ns_per_request"] / 1000 for row in own]
        shares = statistics.median(row["ok_share"] for row in own)
        rows.append(
            [kind, f"{statistics.median(values):.3f}", f"{min(values):.3f}–{max(values):.3f}", f"{100 * shares:.1f} %"]
        )
    return ["processor time of an answer", "µs", "spread", "of them 200"], rows


def abuse_table(found):
    rows = []
    for abused, words in ((False, "honest clients alone"), (True, "honest clients under abuse")):
        own = at(found["samples"], abused=abused)

        def middle(value, scale=1.0):
            return statistics.median(row[value] / scale for row in own)

        rows.append(
            [
                words,
                f"{middle('due_per_second'):,.0f}",
                f"{middle('goodput'):,.0f}",
                f"{middle('p50_us', 1000):.2f}",
                f"{middle('p99_us', 1000):.2f}",
                f"{100 * middle('server_share'):.0f} %",
            ]
        )
    return ["abuse", "offered/s", "200s/s", "p50 ms", "p99 ms", "server"], rows


def tables(result):
    found, every = result["scenarios"], []
    for name, title in (("permits", "limited by permits"), ("processor", "limited by the processor")):
        if name in found:
            every.append(curve_table(title, found[name]))
    if "haproxy" in found:
        every.append(haproxy_table(found["haproxy"]))
    if "refusals" in found:
        every.append(refusal_table(found["refusals"]))
    if "abuse" in found:
        every.append(abuse_table(found["abuse"]))
    return [*every, goals_table(result)]


def text(result):
    parts = [
        conditions(result),
        *[aligned(head, rows) for head, rows in tables(result)],
        disturbance(result),
        summary(result),
    ]
    return "\n\n".join(part for part in parts if part)


# ---- the page -------------------------------------------------------------------------------------------------------


def spread(samples, load, value, scale=1.0):
    values = [row[value] / scale for row in at(samples, load=load) if row[value]]
    return (load, statistics.median(values), min(values), max(values)) if values else None


def curve_plots(found, title, peer=None):
    samples, capacity = found["samples"], found["capacity"]
    loads = sorted({row["load"] for row in samples})

    def points(value, scale=1.0):
        return [point for point in (spread(samples, load, value, scale) for load in loads) if point]

    goodput = [
        ("gateway", GATEWAY, points("goodput"), False),
        ("ideal", IDEAL, [(load, min(load, 1) * capacity) for load in loads], True),
    ]
    late = [("accepted, p99", GATEWAY, points("p99_us", 1000), False), ("p50", SECOND, points("p50_us", 1000), False)]
    if peer:
        own = [row for row in peer["samples"] if row["server"].startswith("haproxy")]
        both = sorted({row["load"] for row in own})
        goodput.append(("HAProxy", PEER, [spread(own, load, "goodput") for load in both], False))
        late.append(("HAProxy, p99", PEER, [spread(own, load, "p99_us", 1000) for load in both], False))
    name = "offered load, multiples of the capacity"
    marks = [load for load in loads if load not in (0.9, 1.4)]
    return [
        chart(f"Goodput, {title}", goodput, name, "200s a second", x_marks=marks),
        chart(f"Latency, {title}", late, name, "ms from when a request was due", x_marks=marks, y_log=True),
    ]


def step_plots(found):
    out, size, step = [], found["bin_ms"], found["step_ms"]
    count = 2 * step // size
    for factor in ("1.4", "10"):
        runs = found["bins"].get(factor, [])
        if not runs:
            continue
        places = range(count // 4, count - 1)
        answers = [
            (place * size - step, statistics.mean(bins[place][1] for bins in runs) * 1000 / size) for place in places
        ]
        late = [(place * size - step, statistics.median(bins[place][4] for bins in runs) / 1000) for place in places]
        refused = [
            (place * size - step, statistics.mean(bins[place][2] for bins in runs) * 1000 / size) for place in places
        ]
        more = {"x_log": False, "verticals": [(0, f"{factor}x")]}
        out.append(
            chart(
                f"Step to {factor}x: answers",
                [("200s", GATEWAY, answers, False), ("refused", IDEAL, refused, True)],
                "ms from the step",
                "a second, in bins of 10 ms",
                **more,
            )
        )
        out.append(
            chart(
                f"Step to {factor}x: latency",
                [("p99 of accepted", GATEWAY, late, False)],
                "ms from the step",
                "ms",
                **more,
            )
        )
    return out


def html(result):
    found = result["scenarios"]
    plots = []
    if "permits" in found:
        plots += curve_plots(found["permits"], "limited by permits", found.get("haproxy"))
    if "processor" in found:
        plots += curve_plots(found["processor"], "limited by the processor")
    if "steps" in found:
        plots += step_plots(found["steps"])
    parts = [f"<h1>Overload</h1><p>{escape(conditions(result))}</p><p><b>{escape(summary(result))}</b></p>"]
    if disturbance(result):
        parts.append(f'<p class="missed">{escape(disturbance(result))}</p>')
    *details, goals = tables(result)
    parts.append(html_table(*goals, verdicts=True))
    parts.append('<div class="plots">' + "\n".join(f"<div>{plot}</div>" for plot in plots if plot) + "</div>")
    parts += [html_table(*table) for table in details]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Overload {result['date']}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def html_table(head, rows, verdicts=False):
    def cell(value, last):
        kind = "missed" if value.startswith(VERDICTS[False]) else "met" if value == VERDICTS[True] else ""
        return f"<td{f' class={kind}' if verdicts and last and kind else ''}>{escape(value)}</td>"

    body = "".join(
        "<tr>" + "".join(cell(value, place == len(row) - 1) for place, value in enumerate(row)) + "</tr>"
        for row in rows
    )
    return (
        '<div class="table"><table><thead><tr>'
        + "".join(f"<th>{escape(name)}</th>" for name in head)
        + f"</tr></thead><tbody>{body}</tbody></table></div>"
    )
