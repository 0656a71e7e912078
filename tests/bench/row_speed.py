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
    PACES = (  # options, and how many subscribers: more than there will be Starts, for all log in before
        ("back to back", {"window": 1}, 2000),
        (f"{RATE} a second", {"rate": RATE}, 60),
    )
    MIX = {"mixed": True, "online": 10, "interims": 8}

    def measure(self, side, contender):
        contender.fresh(side.kind)
        found = {}
        for pace, options, subscribers in self.PACES:
            options = {**options, "duration": f"{self.SECONDS}s"}
            mix = {**self.MIX, **options, "count": subscribers}
            runs = {
                "login": generator.run(contender, "auth", **options)["login"],
                "record of a session that logged in": generator.run(contender, "session", **mix)["accounting"],
                "record of one that did not": generator.run(contender, "acct", **mix)["accounting"]}
            found |= {f"{work}, {pace}": run["latency_us"] for work, run in runs.items()}
        return found

    def table(self, results):
        for work in next(iter(results.values()))[0]:
            lines = [[label, *(spread(rounds, work, quantile, digits=2, scale=0.001) for quantile in ("p50", "p99"))]
                     for label, rounds in results.items()]
            yield from markdown([work + ", ms", "median", "p99"], lines)
