# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Draws panels of lines as SVG: goodput and p99 against offered load. Both axes are logarithmic, because the servers
are an order of magnitude apart. Colours and text can be read on light and on dark ground."""

import math
from xml.sax.saxutils import escape

WIDTH, PANEL_HEIGHT = 760, 330
LEFT, RIGHT, TOP, BOTTOM = 78, 24, 56, 52
COLOURS = ("#1f77d0", "#e07b1f", "#2ca05a", "#b05cc8")
GREY = "#808080"
FONT = "font-family='sans-serif' font-size='13'"


class Panel:
    """series: (label, [(x, y), ...]) each; points whose y is not above 0 are left out, a logarithm has none."""

    def __init__(self, title, x_label, y_label, series):
        self.title, self.x_label, self.y_label = title, x_label, y_label
        self.series = [(label, [(x, y) for x, y in points if x > 0 and y and y > 0]) for label, points in series]


def bounds(values):
    """The whole 1, 2 or 5 times a power of ten below and above all values."""
    steps = ticks(min(values) / 10, max(values) * 10)
    return max(step for step in steps if step <= min(values)), min(step for step in steps if step >= max(values))


def ticks(low, high):
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [step for power in powers for step in (10.0 ** power, 2 * 10.0 ** power, 5 * 10.0 ** power)
            if low * 0.999 <= step <= high * 1.001]


def scale(low, high, start, end):
    """From a value between low and high to a place between start and end, logarithmically."""
    span = math.log10(high) - math.log10(low)
    return lambda value: start + (end - start) * (math.log10(value) - math.log10(low)) / span


def tick_text(value):
    if value >= 1000:
        return f"{value / 1000:,.0f}k"
    return f"{value:g}"


def text(x, y, words, anchor="middle", extra=""):
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' fill='{GREY}' {FONT} {extra}>{escape(words)}</text>"


def line(x1, y1, x2, y2, opacity):
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{GREY}' stroke-opacity='{opacity}'/>"


def axes(panel, top, x_bounds, y_bounds, x_at, y_at):
    bottom = top + PANEL_HEIGHT - TOP - BOTTOM
    yield text(WIDTH / 2, top - 34, panel.title, extra="font-weight='bold'")
    for tick in ticks(*x_bounds):
        yield line(x_at(tick), top, x_at(tick), bottom, 0.25)
        yield text(x_at(tick), bottom + 18, tick_text(tick))
    for tick in ticks(*y_bounds):
        yield line(LEFT, y_at(tick), WIDTH - RIGHT, y_at(tick), 0.25)
        yield text(LEFT - 8, y_at(tick) + 4, tick_text(tick), "end")
    yield line(LEFT, bottom, WIDTH - RIGHT, bottom, 1)
    yield line(LEFT, top, LEFT, bottom, 1)
    yield text((LEFT + WIDTH - RIGHT) / 2, bottom + 40, panel.x_label)
    middle = (top + bottom) / 2
    yield text(18, middle, panel.y_label, extra=f"transform='rotate(-90 18 {middle:.1f})'")


def curve(points, colour, x_at, y_at):
    places = [(x_at(x), y_at(y)) for x, y in sorted(points)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2.5'/>"
    for x, y in places:
        yield f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='{colour}'/>"


def legend(panel, top):
    x = LEFT
    for number, (label, _) in enumerate(panel.series):
        yield f"<rect x='{x}' y='{top - 19}' width='14' height='8' fill='{COLOURS[number]}'/>"
        yield text(x + 20, top - 11, label, "start")
        x += 44 + 8 * len(label)


def draw_panel(panel, offset):
    points = [point for _, one in panel.series for point in one]
    if not points:
        return
    top = offset + TOP
    x_bounds, y_bounds = bounds([x for x, _ in points]), bounds([y for _, y in points])
    x_at = scale(*x_bounds, LEFT, WIDTH - RIGHT)
    y_at = scale(*y_bounds, top + PANEL_HEIGHT - TOP - BOTTOM, top)
    yield from axes(panel, top, x_bounds, y_bounds, x_at, y_at)
    yield from legend(panel, top)
    for number, (_, one) in enumerate(panel.series):
        yield from curve(one, COLOURS[number], x_at, y_at)


def draw(panels, description):
    """The whole document."""
    height = PANEL_HEIGHT * len(panels)
    parts = [f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' "
             f"height='{height}' role='img'>", f"<title>{escape(description)}</title>"]
    for number, panel in enumerate(panels):
        parts += draw_panel(panel, number * PANEL_HEIGHT)
    return "\n".join([*parts, "</svg>", ""])
