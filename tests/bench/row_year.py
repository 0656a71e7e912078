# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What a year of closed sessions costs those of today, and whoever asks about them."""

import statistics
import time

import figures
from poprad_year import LOOKED_UP
from row import markdown, spread
from row_limits import Changed


class Year(Changed):
    """Logins and records as ever; then each of some subscribers is looked up once, with popradctl as operators do, and
    in the views that billing reads."""

    is_usual = False
    COMMANDS = {
        "session show LOGIN --last 50": lambda login: ("session", "show", login, "--last", "50"),
        "session list --login LOGIN": lambda login: ("session", "list", "--login", login),
        "subscriber show LOGIN": lambda login: ("subscriber", "show", login),
        "why LOGIN": lambda login: ("why", login),
        "usage LOGIN": lambda login: ("usage", login),
    }

    WHO = "subscriber_id = (select subscriber_id from poprad.subscriber where login = %s)"
    VIEWS = {
        "billing_changes(), the newest hundred":
            "select * from poprad.billing_changes((select last_number - 100 from poprad.billing_sequence), 100)",
        "billing_session, the newest of a subscriber":
            f"select * from poprad.billing_session where {WHO} order by started_at desc limit 50",
        "billing_usage_month of a subscriber": f"select * from poprad.billing_usage_month where {WHO}",
        "billing_online of a subscriber": f"select * from poprad.billing_online where {WHO}",
    }

    def measure(self, side, contender):
        found = super().measure(side, contender)
        found["octets"] = dict(zip(("history", "usage_day"), contender.octets()))
        found["look-ups"] = {}
        for name, words in self.COMMANDS.items():
            found["look-ups"][name] = timed(
                lambda login, words=words: contender.server.ctl(*words(login)))
        for name, statement in self.VIEWS.items():
            found["look-ups"][name] = timed(
                lambda login, statement=statement: contender.query(statement, (login,) if "%s" in statement else None))
        return found

    def table(self, results):
        yield from super().table(results)
        lines = []
        first = next(iter(results.values()))
        for name in first[0]["look-ups"]:
            for label, rounds in results.items():
                lines.append([f"{label}: {name}", *(spread(rounds, "look-ups", name, quantile, digits=1)
                                                    for quantile in ("p50", "p95"))])
        yield from markdown(["one look-up", "median, ms", "p95, ms"], lines)
        lines = [[label, *(figures.number(rounds[-1]["octets"][part] / 2 ** 30, 2) for part in ("history", "usage_day"))]
                 for label, rounds in results.items()]
        yield from markdown(["size with indexes, GiB", "session_history", "usage_day"], lines)


def timed(look_up):
    """Of each subscriber once: milliseconds."""
    took = []
    for number in range(1, LOOKED_UP + 1):
        begun = time.monotonic()
        look_up(f"line-{number}@isp.example")
        took.append(1000 * (time.monotonic() - begun))
    return {"p50": statistics.median(took), "p95": statistics.quantiles(took, n=20)[-1]}
