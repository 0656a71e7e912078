# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Accounting while the database is away."""

import time

import generator
import measure
from row import Row, markdown, spread
from row_limits import MIX


class Spool(Row):
    """The same records twice: with the database, and while it is stopped, when they go to the spool. Then it is started,
    and every record that was acknowledged must come to be there."""

    SECONDS = 6

    def measure(self, side, contender):
        contender.fresh(side.kind)
        usual = self.load(contender)
        contender.fresh(side.kind)
        contender.cluster.stop()
        try:
            away = self.load(contender)
        finally:
            contender.cluster.start()
        begun = time.monotonic()
        stored = contender.stored()
        return {"usual": rate(usual), "away": rate(away), "share": rate(away) / rate(usual),
                "replay_s": time.monotonic() - begun, "lost": away["accounting"]["lost"],
                "missing": sum(max(0, away[step]["answered"] - stored[f"{step}s"]) for step in ("start", "stop"))}

    def load(self, contender):
        return generator.run(contender, "acct", duration=f"{self.SECONDS}s", window=measure.WINDOW["poprad"], **MIX)

    def table(self, results):
        lines = [[label, spread(rounds, "usual"), spread(rounds, "away"), spread(rounds, "share", scale=100) + " %",
                  spread(rounds, "lost"), spread(rounds, "replay_s", digits=1), spread(rounds, "missing")]
                 for label, rounds in results.items()]
        yield from markdown(["server", "records/s", "while the database is away", "of that", "given up by the load",
                             "in the database after, s", "acknowledged, not stored"], lines)


def rate(summary):
    return summary["accounting"]["answered"] / summary["duration_s"]
