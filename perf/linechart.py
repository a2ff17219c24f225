"""A line chart as inline SVG: medians with their spread, over a linear or logarithmic axis. Text takes the page's own colour."""

import math
from compare_report import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 300, 64, 16, 34, 44


class Axis:
    """From values to a place on the page, with marks at round numbers."""

    def __init__(self, low, high, start, end, logarithmic=False, marks=None):
        self.low, self.high, self.start, self.end, self.logarithmic = low, high, start, end, logarithmic
        self.marks = marks or (self.decades() if logarithmic else self.rounds())

    def at(self, value):
        value = min(max(value, self.low), self.high)
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def decades(self):
        least, most = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        every = [
            step * 10.0**power for power in range(least, most + 1) for step in ((1, 2, 5) if most - least < 3 else (1,))
        ]
        return [value for value in every if self.low <= value * 1.0001 and value <= self.high * 1.0001]

    def rounds(self):
        rough = (self.high - self.low) / 5
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        return [step * number for number in range(math.ceil(self.low / step), math.floor(self.high / step + 1e-9) + 1)]


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"


def chart(title, series, x_name, y_name, x_marks=None, x_log=True, y_log=False, verticals=()):
    """`series` are (name, colour, points, dashed); a point is (x, value) or (x, median, least, most)."""
    points = [point for _, _, own, _ in series for point in own]
    if not points:
        return ""
    xs, ys = [point[0] for point in points], [value for point in points for value in point[1:]]
    low = 10 ** math.floor(math.log10(min(value for value in ys if value > 0))) if y_log else 0
    high = max(ys) * (1.3 if y_log else 1.08)
    across = Axis(min(xs), max(xs), LEFT, WIDTH - RIGHT, x_log, x_marks)
    up = Axis(low, high, HEIGHT - BOTTOM, TOP, y_log)
    out = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="11" fill="currentColor">',
        f"<title>{escape(title)}</title>",
        f'<text x="{LEFT}" y="14" font-size="13" font-weight="bold">{escape(title)}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end" opacity=".7">{escape(x_name)}</text>',
        f'<text x="{LEFT}" y="{TOP - 6}" opacity=".7">{escape(y_name)}</text>',
    ]
    for value in up.marks:
        y = up.at(value)
        out.append(
            f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="currentColor" opacity=".15"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>'
        )
    for value in across.marks:
        x = across.at(value)
        out.append(
            f'<path d="M{x:.1f} {HEIGHT - BOTTOM}v4" stroke="currentColor"/>'
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{number(value)}</text>'
        )
    for value, label in verticals:
        x = across.at(value)
        out.append(
            f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="currentColor" stroke-dasharray="2 3" opacity=".5"/>'
            f'<text x="{x + 4:.1f}" y="{TOP + 10}" opacity=".7">{escape(label)}</text>'
        )
    for name, colour, own, dashed in series:
        out += line(own, across, up, colour, dashed)
    return "\n".join([*out, legend(series), "</svg>"])


def line(points, across, up, colour, dashed):
    out = []
    spread = [point for point in points if len(point) == 4]
    if len(spread) > 1:
        edge = [f"{across.at(x):.1f},{up.at(most):.1f}" for x, _, _, most in spread]
        edge += [f"{across.at(x):.1f},{up.at(least):.1f}" for x, _, least, _ in reversed(spread)]
        out.append(f'<polygon points="{" ".join(edge)}" fill="{colour}" opacity=".18"/>')
    path = " ".join(f"{across.at(point[0]):.1f},{up.at(point[1]):.1f}" for point in points)
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
    if len(points) < 20 and not dashed:
        out += [
            f'<circle cx="{across.at(point[0]):.1f}" cy="{up.at(point[1]):.1f}" r="3" fill="{colour}">'
            f"<title>{number(point[0])}: {point[1]:,.4g}</title></circle>"
            for point in points
        ]
    return out


def legend(series):
    x, out = LEFT, []
    for name, colour, _, dashed in series:
        if name:
            dash = ' stroke-dasharray="5 4"' if dashed else ""
            out.append(
                f'<path d="M{x} {HEIGHT - 11}h16" stroke="{colour}" stroke-width="2"{dash}/>'
                f'<text x="{x + 20}" y="{HEIGHT - 8}">{escape(name)}</text>'
            )
            x += 34 + 6.2 * len(name)
    return "".join(out)
