# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""A row of the benchmark: who is measured how, and the tables that come of it."""

import time

import figures
from figures import Spread, number

OURS = "poprad"


class Side:
    """A contender in one of its configurations."""

    def __init__(self, label, contender, kind):
        self.label, self.contender, self.kind = label, contender, kind


def both(kind):
    return [Side("poprad", "poprad", kind), Side("FreeRADIUS", "FreeRADIUS", kind)]


class Row:
    """results: side's label -> one dictionary of figures per round."""

    rounds_max = None  # None: as many as asked for
    is_usual = True  # else only if it is asked for

    def __init__(self, name, title, sides):
        self.name, self.title, self.sides = name, title, sides

    def measure(self, side, contender):
        """One round of one side: its figures."""
        raise NotImplementedError

    def table(self, results):
        """Lines of Markdown."""
        raise NotImplementedError

    def run(self, contenders, rounds, say):
        """Each round has every side once, in turn from the first and from the last."""
        sides = [side for side in self.sides if side.contender in contenders]
        results = {side.label: [] for side in sides}
        for index in range(min(rounds, self.rounds_max or rounds)):
            for side in sides if index % 2 == 0 else reversed(sides):
                contender = contenders[side.contender]
                begun = time.monotonic()
                try:
                    results[side.label].append(self.measure(side, contender))
                finally:
                    contender.rest()
                say(f"{self.name}: round {index + 1}, {side.label}: {time.monotonic() - begun:.0f} s")
        return results


def pick(rounds, *path):
    """The values at that path of each round's figures."""
    values = []
    for one in rounds:
        for key in path:
            one = one.get(key) if one is not None else None
        values.append(one)
    return values


def spread(rounds, *path, digits=0, scale=1):
    values = [value * scale for value in pick(rounds, *path) if value is not None]
    return Spread(values).text(digits) if values else "-"


def markdown(header, lines):
    return ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1),
            *("| " + " | ".join(line) + " |" for line in lines), ""]


def compared(results, path, digits, is_faster_higher=True):
    """One line per side: its spread, and how much better ours is."""
    ours = results.get(OURS, [])
    for label, rounds in results.items():
        ratio = ""
        if label != OURS and any(pick(ours, *path)) and any(pick(rounds, *path)):
            pairs = (pick(ours, *path), pick(rounds, *path))
            ratio = figures.ratios(*(pairs if is_faster_higher else reversed(pairs))).text(1) + "x"
        yield [label, spread(rounds, *path, digits=digits), ratio]


def cpu_table(results):
    """What a request costs whom. On a machine that is busy with nothing else, rates are as these sums; unlike rates
    they hardly change when something else runs beside."""
    sums = {label: [sum(one["cpu_us"].values()) for one in rounds] for label, rounds in results.items()}
    lines = []
    for label, rounds in results.items():
        parts = [Spread(pick(rounds, "cpu_us", part)).median for part in ("server", "database", "generator")]
        ratio = figures.ratios(sums[label], sums[OURS]).text(1) + "x" if label != OURS and OURS in sums else ""
        lines.append([label, *(number(part, 1) for part in parts), Spread(sums[label]).text(1), ratio])
    return markdown(["CPU per request, us", "server", "database", "generator", "sum", "poprad's is less by"], lines)
