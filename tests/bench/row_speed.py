# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""How fast: rates, storms, lone requests."""

import generator
import measure
from row import Row, compared, cpu_table, markdown, spread


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


class Storm(Row):
    """Everybody logs in and starts a session; the time until the last one is online."""

    def __init__(self, name, title, sides, count):
        super().__init__(name, title, sides)
        self.count = count

    def measure(self, side, contender):
        contender.fresh(side.kind)
        found = measure.load(contender, "storm", count=self.count, window=measure.WINDOW[contender.name])
        found["stored"] = contender.stored()
        return found

    def table(self, results):
        yield from markdown(["server", "all online after, s", "poprad is faster by"],
                            compared(results, ["all_online_s"], 2, is_faster_higher=False))
        yield from cpu_table(results)


class Lone(Row):
    """One request at a time: back to back, and a few a second, when everything has gone to sleep in between."""

    SECONDS = 4
    RATE = 10
    MIX = {"mixed": True, "online": 10, "interims": 8}
    WORKS = (  # what, popradload's mode, its options, whose latency
        ("login", "auth", {}, "login"),
        ("record of a session that logged in", "session", MIX, "accounting"),
        ("record of one that did not", "acct", MIX, "accounting"),
    )

    def measure(self, side, contender):
        contender.fresh(side.kind)
        found = {}
        for work, mode, options, role in self.WORKS:
            one = generator.run(contender, mode, duration=f"{self.SECONDS}s", window=1, **options)
            few = generator.run(contender, mode, duration=f"{self.SECONDS}s", rate=self.RATE, **options)
            found[f"{work}, back to back"] = one[role]["latency_us"]
            found[f"{work}, {self.RATE} a second"] = few[role]["latency_us"]
        return found

    def table(self, results):
        for work in next(iter(results.values()))[0]:
            lines = [[label, *(spread(rounds, work, quantile, digits=2, scale=0.001) for quantile in ("p50", "p99"))]
                     for label, rounds in results.items()]
            yield from markdown([work + ", ms", "median", "p99"], lines)
