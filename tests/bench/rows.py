# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What is measured: each row of the benchmark with its sides, its load and its table."""

import time

import figures
import generator
import measure
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

    def __init__(self, name, title, sides):
        self.name, self.title, self.sides = name, title, sides

    def measure(self, side, contender):
        """One round of one side: its figures."""
        raise NotImplementedError

    def table(self, results):
        """Lines of Markdown."""
        raise NotImplementedError


def pick(rounds, *path):
    """The values at that path of each round's figures."""
    values = []
    for one in rounds:
        for key in path:
            one = one.get(key) if one is not None else None
        values.append(one)
    return values


def markdown(header, lines):
    return ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1),
            *("| " + " | ".join(line) + " |" for line in lines), ""]


def compared(results, path, digits, scale=1, is_faster_higher=True):
    """One line per side: its spread, and how much better ours is."""
    ours = results.get(OURS, [])
    for label, rounds in results.items():
        values = [value * scale for value in pick(rounds, *path) if value is not None]
        if not values:
            yield [label, "-", ""]
            continue
        ratio = ""
        if label != OURS and ours:
            pairs = (pick(ours, *path), pick(rounds, *path))
            ratio = figures.ratios(*(pairs if is_faster_higher else reversed(pairs))).text(1) + "x"
        yield [label, Spread(values).text(digits), ratio]


class Rate(Row):
    """A closed loop with a full window for some seconds."""

    def __init__(self, name, title, sides, mode, seconds, **options):
        super().__init__(name, title, sides)
        self.mode, self.seconds, self.options = mode, seconds, options

    def measure(self, side, contender):
        return measure.closed(contender, side.kind, self.mode, self.seconds, **self.options)

    def table(self, results):
        yield from markdown(["server", "requests/s", "poprad is faster by"], compared(results, ["rate"], 0))
        yield from cpu_table(results)


def cpu_table(results):
    """What a request costs whom. On a machine that is busy with nothing else, rates are as these sums; unlike rates
    they hardly change when something else runs beside."""
    sums = {label: [sum(one["cpu_us"].values()) for one in rounds] for label, rounds in results.items()}
    lines = []
    for label, rounds in results.items():
        parts = [Spread(pick(rounds, "cpu_us", part)).median for part in ("server", "database", "generator")]
        ratio = figures.ratios(sums[label], sums[OURS]).text(1) + "x" if label != OURS and OURS in sums else ""
        lines.append([label, *(number(part, 1) for part in parts), Spread(sums[label]).text(1), ratio])
    yield from markdown(["CPU per request, us", "server", "database", "generator", "sum", "poprad's is less by"], lines)


class Storm(Row):
    """Everybody logs in and starts a session; the time until the last one is online."""

    def __init__(self, name, title, sides, count):
        super().__init__(name, title, sides)
        self.count = count

    def measure(self, side, contender):
        contender.fresh(side.kind)
        found = measure.load(contender, "storm", count=self.count, window=measure.WINDOW[contender.name])
        found["memory_kib"] = contender.memory_kib()
        stored = contender.stored()
        assert stored["starts"] >= self.count, f"{contender.name} acknowledged Starts that it has not: {stored}"
        return found

    def table(self, results):
        yield from markdown(["server", "all online after, s", "poprad is faster by"],
                            compared(results, ["all_online_s"], 2, is_faster_higher=False))
        yield from cpu_table(results)


class Lone(Row):
    """One request at a time: back to back, and a few a second, when everything has gone to sleep in between."""

    SECONDS = 4
    RATE = 10

    def measure(self, side, contender):
        contender.fresh(side.kind)
        found = {}
        for mode, role in (("auth", "login"), ("acct", "accounting")):
            one = generator.run(contender, mode, duration=f"{self.SECONDS}s", window=1)
            few = generator.run(contender, mode, duration=f"{self.SECONDS}s", rate=self.RATE)
            found[f"{role}, back to back"] = one[role]["latency_us"]
            found[f"{role}, {self.RATE} a second"] = few[role]["latency_us"]
        return found

    def table(self, results):
        for work in next(iter(results.values()))[0]:
            lines = []
            for label, rounds in results.items():
                lines.append([label, *(Spread([us / 1000 for us in pick(rounds, work, quantile)]).text(2)
                                       for quantile in ("p50", "p99"))])
            yield from markdown([work + ", ms", "median", "p99"], lines)


ROWS = [
    Rate("auth", "Logins without an address", [
        Side("poprad", "poprad", "plain"),
        Side("FreeRADIUS, its sql module (2 statements)", "FreeRADIUS", "plain"),
        Side("FreeRADIUS, the password alone (1 statement)", "FreeRADIUS", "password"),
    ], "auth", 6),
    Rate("lease", "Logins with an address lease", both("lease"), "auth", 6),
    Rate("acct", "Accounting: 10 % Start, 80 % Interim-Update, 10 % Stop", both("lease"), "acct", 6, interims=8),
    Storm("storm20k", "20,000 subscribers come online at once", both("lease"), 20_000),
    Storm("storm100k", "100,000 subscribers come online at once", both("lease"), 100_000),
    Lone("lone", "A lone request", both("lease")),
]


def run(row, contenders, rounds, say):
    """Each round has every side once, in turn from the first and from the last."""
    results = {side.label: [] for side in row.sides if side.contender in contenders}
    for number_of_round in range(rounds):
        sides = [side for side in row.sides if side.contender in contenders]
        for side in sides if number_of_round % 2 == 0 else reversed(sides):
            contender = contenders[side.contender]
            begun = time.monotonic()
            try:
                results[side.label].append(row.measure(side, contender))
            finally:
                contender.rest()
            say(f"{row.name}: round {number_of_round + 1}, {side.label}: {time.monotonic() - begun:.0f} s")
    return results
