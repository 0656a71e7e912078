# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""An access server restarts: its sessions end while the others' subscribers go on."""

import threading
import time

import measure
from row import Row, markdown, spread
from support import radius

NAS = "127.0.2.1"  # whose sessions PopradServer's ONLINE makes
ON = 7


class Restart(Row):
    """The same steady load twice; in the second half an access server with 100,000 open sessions says Accounting-On."""

    SECONDS = 8
    RATE = 2000  # logins a second, and then records: some percent of what it can do
    LOADS = {"logins": ("auth", {}), "records": ("acct", {"mixed": True, "online": 20_000, "interims": 8})}

    def measure(self, side, contender):
        found = {}
        for name, (mode, options) in self.LOADS.items():
            contender.fresh(side.kind)
            quiet = self.load(contender, mode, options)
            ended = {}
            restart = threading.Thread(target=self.restart, args=(contender, ended))
            restart.start()
            found[name] = {"quiet": quiet, "restart": self.load(contender, mode, options)}
            restart.join()
            found[name]["closed_s"] = ended["s"]
        return found

    def load(self, contender, mode, options):
        role = "login" if mode == "auth" else "accounting"
        return measure.load(contender, mode, duration=f"{self.SECONDS}s", rate=self.RATE, **options)[f"{role}_us"]

    def restart(self, contender, ended):
        time.sleep(self.SECONDS / 3)
        client = radius.Client(contender, source=NAS)
        try:
            begun = time.monotonic()
            assert client.exchange(client.accounting_request([(40, ON), (4, NAS)]), contender.acct_port, seconds=60)
            ended["s"] = time.monotonic() - begun
        finally:
            client.close()
        open_ones = contender.query(f"""select count(*) from poprad.session
            where nas_address = '{NAS}' and state <> 'closed'""")[0][0]
        assert open_ones == 0, f"{open_ones} sessions are open still"

    def table(self, results):
        lines = []
        for rounds in results.values():
            for name in self.LOADS:
                for when in ("quiet", "restart"):
                    lines.append([f"{name}, {'nothing happens' if when == 'quiet' else 'all sessions of one end'}",
                                  *(spread(rounds, name, when, quantile, digits=1, scale=0.001)
                                    for quantile in ("p50", "p99", "p99.9", "max")),
                                  spread(rounds, name, "closed_s", digits=1) if when == "restart" else ""])
        yield from markdown([f"{self.RATE:,} a second", "median, ms", "p99, ms", "p99.9, ms", "slowest, ms",
                             "answered after, s"], lines)
