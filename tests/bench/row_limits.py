# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What happens at the limits: too much load, much memory, many subscribers; and the limit that the database sets."""

import math
import os
import time

import ceiling
import figures
import measure
import picture
import processes
from row import OURS, Row, Side, markdown, pick, spread

SESSIONS_ONLINE = 30_000
MIX = {"mixed": True, "online": SESSIONS_ONLINE, "interims": 8}


# In an open loop every request that is not answered yet needs an identifier, and a subscriber who waits for it.
ONCE = {"ports": 32, "timeout": "1s", "retries": 0}
TWICE = {"ports": 16, "timeout": "2s", "retries": 1}


class Overload(Row):
    """First the highest rate, then twice as much in an open loop for as long, whether or not answers come: each request
    once, so that it is twice as much and no more. As long, because work changes with time: subscribers log in again,
    and sessions have been reported before.

    The load has a processor of its own: what it costs to send what nobody can serve is none of the server's doing.
    Of records the best is also found for the mix that got through: what begins and ends sessions goes first, and costs
    several times as much as an Interim-Update."""

    SECONDS = 8
    WORKS = {"login": ("auth", {}), "accounting": ("acct", MIX)}
    SESSIONS_ONLINE = {"poprad": 95_000, "FreeRADIUS": 40_000}

    def measure(self, side, contender):
        found = {}
        for work, (mode, options) in self.WORKS.items():
            if work == "accounting":
                options = {**options, "online": self.SESSIONS_ONLINE[contender.name]}
            best = self.best(side, contender, mode, options)
            one = self.load(side, contender, mode, rate=int(2 * best), **options)
            stored = contender.stored()
            like = best
            if work == "accounting":
                share = begin_and_end(one["in_time"])
                interims = math.floor(2 / share - 2)
                most = self.best(side, contender, mode, {**options, "interims": interims})
                like = rate_at(share, (share_of(MIX["interims"]), best), (share_of(interims), most))
            found[work] = {
                **one, "best": best, "best_alike": like, "share": one["goodput_per_second"] / best,
                "share_alike": one["goodput_per_second"] / like,
                "missing": max(0, one["acknowledged_starts"] - stored["starts"])
                           + max(0, one["acknowledged_stops"] - stored["stops"])}
        return found

    def best(self, side, contender, mode, options):
        return self.load(side, contender, mode, window=measure.WINDOW[contender.name], **options)["rate"]

    def load(self, side, contender, mode, **options):
        *others, last = sorted(os.sched_getaffinity(0))
        with processes.kept_to(others or [last]):
            contender.fresh(side.kind)
        with processes.kept_to([last]):
            return measure.load(contender, mode, duration=f"{self.SECONDS}s", **ONCE, **options)

    def table(self, results):
        lines = []
        for label, rounds in results.items():
            for work in self.WORKS:
                lines.append([
                    f"{label}: {work}", spread(rounds, work, "best"), spread(rounds, work, "offered_per_second"),
                    spread(rounds, work, "goodput_per_second"), spread(rounds, work, "share", scale=100) + " %",
                    spread(rounds, work, "best_alike"), spread(rounds, work, "share_alike", scale=100) + " %",
                    spread(rounds, work, "rejected"),
                    spread(rounds, work, "missing") if work == "accounting" else ""])
        yield from markdown(["server", "best/s", "offered/s", "goodput/s", "of the best", "best of that mix/s",
                             "of that", "rejected", "acknowledged, not stored"], lines)


def share_of(interims):
    """Of records, those that begin and end sessions of so many Interim-Updates each."""
    return 2 / (2 + interims)


def begin_and_end(in_time):
    """The same share of what was answered in time."""
    return (in_time["start"] + in_time["stop"]) / sum(in_time.values())


def rate_at(share, one, other):
    """Between two shares with their rates. It is the time of a record that grows in proportion to the share."""
    (share_1, rate_1), (share_2, rate_2) = one, other
    if share_1 == share_2:
        return rate_1
    return 1 / (1 / rate_1 + (1 / rate_2 - 1 / rate_1) * (share - share_1) / (share_2 - share_1))


class Memory(Row):
    """Everybody comes online, then many records."""

    rounds_max = 1
    PARTS = 4
    REST_S = 45  # after which nothing is remembered of what came before
    RECORDS = {"poprad": 1_000_000, "FreeRADIUS": 200_000}

    def measure(self, side, contender):
        contender.fresh(side.kind)
        found = {"at rest": contender.memory_kib()}
        window = measure.WINDOW[contender.name]
        measure.load(contender, "storm", window=window)
        found[f"{contender.subscribers:,} sessions online"] = contender.memory_kib()
        found[f"the same, {self.REST_S} s later"] = self.rested_kib(contender)
        records = self.RECORDS[contender.name]
        for part in range(1, self.PARTS + 1):
            measure.load(contender, "acct", window=window, operations=records // self.PARTS, mixed=True,
                         online=SESSIONS_ONLINE // 6, interims=8)
            found[f"and {part * records // self.PARTS:,} records"] = contender.memory_kib()
        found[f"{self.REST_S} s after the last of them"] = self.rested_kib(contender)
        return found

    def rested_kib(self, contender):
        time.sleep(self.REST_S)
        return contender.memory_kib()

    def table(self, results):
        for label, rounds in results.items():
            lines = [[state, figures.number(kib / 1024, 1)] for state, kib in rounds[0].items()]
            yield from markdown([f"{label}: memory (proportional set size of all its processes)", "MiB"], lines)


class Changed(Row):
    """The same work with one thing changed, the first side being as in the other rows: half of the subscribers that are
    not online log in, then 50,000 others log in and report."""

    SECONDS = 6
    REPORTING = 50_000
    WORKS = ("logins", "records")

    def __init__(self, name, title, change, sides):
        super().__init__(name, title, sides)
        self.change = change

    def measure(self, side, contender):
        contender.fresh(side.kind)
        window, half = measure.WINDOW["poprad"], contender.subscribers // 2
        return {
            "logins": measure.load(contender, "auth", window=window, count=half),
            "records": measure.load(contender, "session", duration=f"{self.SECONDS}s", window=window, mixed=True,
                                    first=half + 1, count=self.REPORTING, online=self.REPORTING * 3 // 5, interims=8)}

    def table(self, results):
        lines = []
        first = next(iter(results.values()))
        for work in self.WORKS:
            for label, rounds in results.items():
                ratio = figures.ratios(pick(rounds, work, "rate"), pick(first, work, "rate")).text(2)
                lines.append([f"{label}: {work}", spread(rounds, work, "rate"),
                              *(spread(rounds, work, "cpu_us", part, digits=1) for part in ("server", "database")),
                              ratio])
        yield from markdown([self.change, "requests/s", "us of the server each", "us of the database each",
                             "of the first"], lines)


class Sweep(Row):
    """More and more logins a second in an open loop."""

    rounds_max = 1
    SECONDS = 5
    SHARES = (0.1, 0.25, 0.5, 0.7, 0.85, 1.0, 1.3, 2.0)

    def measure(self, side, contender):
        best = measure.closed(contender, side.kind, "auth", self.SECONDS)["rate"]
        points = []
        for share in self.SHARES:
            contender.fresh(side.kind)
            points.append(measure.load(contender, "auth", duration=f"{self.SECONDS}s", rate=max(1, int(share * best)),
                                       **TWICE))
        return {"points": points}

    def table(self, results):
        for label, rounds in results.items():
            lines = [[figures.number(point["rate_wanted"]), figures.number(point["goodput_per_second"]),
                      *(figures.number(point["login_us"][quantile] / 1000, 1) for quantile in ("p50", "p99"))]
                     for point in rounds[0]["points"]]
            yield from markdown([f"{label}: logins offered/s", "goodput/s", "median, ms", "p99, ms"], lines)

    def draw(self, results):
        """The picture as SVG."""
        def series(value):
            return [(label, [(point["offered_per_second"], value(point)) for point in rounds[0]["points"]])
                    for label, rounds in results.items()]
        offered = "logins with an address lease, offered per second"
        return picture.draw([
            picture.Panel("Goodput", offered, "answered in time, per second",
                          series(lambda point: point["goodput_per_second"])),
            picture.Panel("Latency, 99th percentile", offered, "milliseconds",
                          series(lambda point: point["login_us"]["p99"] / 1000))],
            "Goodput and p99 latency of poprad and FreeRADIUS against offered load")


class Ceiling(Row):
    """What the database alone can do: poprad's own statements, called directly, as many connections as it has lanes."""

    SECONDS = 5
    BATCH = 256  # poprad's batch_max
    WORKS = {"login": ("auth", {}), "account": ("acct", {**MIX, "online": 50_000})}
    DIRECT = "the database, called directly"

    def __init__(self, name, title):
        super().__init__(name, title, [Side(OURS, "poprad", "lease"), Side(self.DIRECT, "poprad", "lease")])

    def measure(self, side, contender):
        found = {}
        for work, (mode, options) in self.WORKS.items():
            if side.label == OURS:
                found[work] = measure.closed(contender, side.kind, mode, self.SECONDS, **options)
                found[work]["batch"] = contender.mean_batch()
            else:
                contender.fresh(side.kind)
                connections = contender.workers()
                contender.stop_server()
                found[work] = ceiling.run(contender, work, connections, self.BATCH, self.SECONDS)
        return found

    def table(self, results):
        lines = []
        for work in self.WORKS:
            direct, ours = results[self.DIRECT], results[OURS]
            share = figures.ratios(pick(ours, work, "rate"), pick(direct, work, "rate"))
            lines.append([work, spread(direct, work, "rate"), spread(direct, work, "cpu_us", "database", digits=1),
                          spread(ours, work, "rate"), spread(ours, work, "cpu_us", "database", digits=1),
                          spread(ours, work, "batch"), f"{100 * share.median:.0f} %"])
        yield from markdown(["work", f"the database alone, batches of {self.BATCH}, /s", "us of the database each",
                             "poprad/s", "us of the database each", "its mean batch", "poprad's share"], lines)
