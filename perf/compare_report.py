"""The comparison for people: text for a terminal, Markdown and a plot."""

import statistics
from compare_goals import Results

SHAPES = [
    ((50, 1), "50 × 1"),
    ((50, 16), "50 × 16"),
    ((50, 64), "50 × 64"),
    ((1, 1), "1 × 1"),
    ((1000, 1), "1,000 × 1"),
]
WORKLOADS = {
    "hot": "resolve or GET, 1,000 keys",
    "uniform": "resolve or GET, 1,000,000 keys",
    "ping": "PING",
    "get": "HTTP GET",
}
VERDICTS = {True: "met", False: "MISSED", None: "not shown"}


def digits(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def figure(value, unit):
    if value is None:
        return "–"
    text = (
        f"{value:,.0f}"
        if abs(value) >= 1000
        else f"{value:g}" if unit in ("B", "/s") else f"{value:.3f}" if abs(value) < 0.1 else f"{value:.2f}"
    )
    return f"{text}{unit if unit == 'x' else ' ' + unit if unit else ''}"


def subjects(result):
    return list(dict.fromkeys(sample["subject"] for sample in sorted(result["samples"], key=order)))


def order(sample):
    """By workload, then gateway, floors, peers."""
    name, workload = sample["subject"].rsplit(" ", 1)
    families = ["gateway io_uring", "gateway epoll", "floor io_uring", "floor epoll", "redis"]
    rank = families.index(name) if name in families else len(families)
    return (list(WORKLOADS).index(workload), rank, name)


def table(result):
    """Rows of processor time: a heading and cells."""
    run, rows = Results(result), []
    for subject in subjects(result):
        cells = []
        for shape, _ in SHAPES:
            values = [value / 1000 for value in run.values(subject, shape)]
            cells.append(
                f"{digits(statistics.median(values))} ({digits(min(values))}–{digits(max(values))})" if values else ""
            )
        rows.append([subject, *cells])
    return ["server and load", *[name for _, name in SHAPES]], rows


def calls_table(result):
    rows, found = [], result["extra"].get("system_calls", {}).get("rows", [])
    depths = sorted({row["depth"] for row in found})
    for subject in subjects(result):
        own = {row["depth"]: row["per_request"] for row in found if row["subject"] == subject}
        if own:
            rows.append([subject, *[digits(own[depth]) if depth in own else "" for depth in depths]])
    return ["system calls per request", *[f"50 × {depth}" for depth in depths]], rows


def memory_table(result):
    found = result["extra"].get("memory", [])
    return (
        ["memory of idle connections", "connections", "bytes each"],
        [[row["server"], f"{row['connections']:,}", f"{row['bytes_each']:,.0f}"] for row in found],
    )


def latency_table(result):
    samples, rows = result["extra"].get("latency", {}).get("samples", []), []
    for load in dict.fromkeys(row["load"] for row in samples):
        for subject in sorted({row["subject"] for row in samples if row["load"] == load}):
            own = [row for row in samples if row["load"] == load and row["subject"] == subject]
            cells = [
                f"{statistics.median(values):,.0f} ({min(values):,.0f}–{max(values):,.0f})" if values else "–"
                for values in (
                    [row[field] for row in own if row[field] is not None] for field in ("p50_us", "p99_us", "p99_9_us")
                )
            ]
            rows.append([f"{load}, {own[0]['rate']:,}/s", subject, *cells])
    return ["latency from the due time, µs", "", "p50", "p99", "p99.9"], rows


def goals_table(result):
    rows = []
    for goal in result["goals"]:
        spread = "" if not goal["spread"] else f"{figure(goal['spread'][0], '')}–{figure(goal['spread'][1], '')}"
        limit = f"{'≥' if goal['at_least'] else '≤'} {figure(goal['target'], goal['unit'])}"
        rows.append(
            [
                goal["name"],
                limit,
                figure(goal["measured"], goal["unit"]),
                spread,
                VERDICTS[goal["met"]] + (f": {goal['reason']}" if goal["met"] is None else ""),
            ]
        )
    return ["goal", "asked", "measured", "spread", "verdict"], rows


def tables(result):
    every = [table(result), calls_table(result), memory_table(result), latency_table(result), goals_table(result)]
    return [(head, rows) for head, rows in every if rows]


def conditions(result):
    where, options = result["environment"], result["options"]
    return (
        f"{result['date']}, {where['processor']}, {where['processors']} processors, Linux {where['kernel']}, "
        f"TCP {where['tcp_congestion_control']}; {options['repeats']} interleaved repeats of {options['seconds']:g} s: "
        "median (minimum–maximum). Processor time of the server in µs per request; a column is connections × requests "
        "in flight on each."
    )


def summary(result):
    count = {met: sum(goal["met"] is met for goal in result["goals"]) for met in (True, False, None)}
    return f"{count[True]} goals met, {count[False]} missed, {count[None]} not shown by this run"


def aligned(head, rows):
    """A table for a terminal."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 or column == len(head) - 1 and head[0] == "goal" else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in [head, *rows]
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def text(result):
    return "\n\n".join([conditions(result), *[aligned(head, rows) for head, rows in tables(result)], summary(result)])


def markdown(result):
    parts = ["# Comparison", conditions(result)]
    for head, rows in tables(result):
        parts.append(
            "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] + ["--:"] * (len(head) - 1), *rows])
        )
    versions = "; ".join(f"{name}: {version}" for name, version in result["versions"].items() if version)
    return "\n\n".join([*parts, summary(result) + ".", versions]) + "\n"


# ---- the plot ---------------------------------------------------------------------------------------------------

COLOURS = {
    "gateway io_uring": "#c2410c",
    "gateway epoll": "#f59e0b",
    "floor io_uring": "#64748b",
    "floor epoll": "#94a3b8",
    "redis": "#b91c1c",
    "nginx return": "#15803d",
    "nginx stream": "#4ade80",
    "haproxy http": "#1d4ed8",
    "haproxy tcp": "#60a5fa",
}


def escape(value):
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


BAR, GAP, LEFT, WIDTH, HEAD, RIGHT = 15, 4, 190, 330, 34, 90


def plot(result):
    """Bars of processor time, a panel for each shape, each on a scale of its own; the thin line is the spread."""
    run, names, where = Results(result), subjects(result), result["environment"]
    columns = [[], []]
    for number, (shape, label) in enumerate(SHAPES):
        values = {name: [value / 1000 for value in run.values(name, shape)] for name in names}
        values = {name: own for name, own in values.items() if own}
        if values:
            columns[number % 2].append((label, values))
    out, bottom = [], 0
    for column, panels in enumerate(columns):
        y = 62
        for label, values in panels:
            y = panel(out, values, label, column * (LEFT + WIDTH + RIGHT), y)
        bottom = max(bottom, y)
    width = len(columns) * (LEFT + WIDTH + RIGHT)
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{bottom}" viewBox="0 0 {width} {bottom}" '
        'font-family="DejaVu Sans, Helvetica, sans-serif" font-size="11" fill="#0f172a">',
        f'<rect width="{width}" height="{bottom}" fill="#ffffff"/>',
        '<text x="16" y="24" font-size="16" font-weight="bold">'
        "Processor time of the server per request, µs (less is better)</text>",
        f'<text x="16" y="42" fill="#475569">{escape(result["date"])}, {escape(where["processor"])}, Linux '
        f'{escape(where["kernel"])}; median of {result["options"]["repeats"]}, line: minimum to maximum</text>',
    ]
    return "\n".join([*head, *out, "</svg>"]) + "\n"


def panel(out, values, label, x, y):
    """Servers that answer pipelined HTTP one by one would make all others points: their bars end at the edge, open."""
    most, others = max(map(max, values.values())), [
        max(own) for name, own in values.items() if not name.endswith(" get")
    ]
    scale = WIDTH / (1.05 * max(others) if others and most > 3 * max(others) else most)
    out.append(
        f'<text x="{x + 16}" y="{y + 18}" font-size="13" font-weight="bold">{escape(label)}</text>'
        f'<text x="{x + LEFT}" y="{y + 18}" fill="#475569">connections × requests in flight on each</text>'
    )
    y += HEAD - 6
    workload = None
    for name, own in values.items():
        middle, low, high = (min(value * scale, WIDTH) for value in (statistics.median(own), min(own), max(own)))
        kind, before = name.rsplit(" ", 1)[1], workload
        workload = kind
        y += 6 if before not in (None, kind) else 0
        beyond = max(own) * scale > WIDTH
        colour = COLOURS.get(name.rsplit(" ", 1)[0], "#475569")
        spread = f"M{x + LEFT + low:.1f} {y + BAR / 2}H{x + LEFT + high:.1f}"
        out.append(
            f'<text x="{x + LEFT - 6}" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{x + LEFT}" y="{y}" width="{max(middle, 1):.1f}" height="{BAR}" fill="{colour}"/>'
            + ("" if low >= WIDTH else f'<path d="{spread}" stroke="#0f172a" stroke-width="1.5"/>')
            + f'<text x="{x + LEFT + high + 5:.1f}" y="{y + 12}">{"» " if beyond else ""}'
            f"{digits(statistics.median(own))}</text>"
        )
        y += BAR + GAP
    return y + 22
