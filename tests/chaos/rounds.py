# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Rounds of violence under load, and the check after each."""
import contextlib
import random
import time

from chaos import books
from chaos.callers import CALLERS_A_NAS, NASES, Load
from chaos.violence import Violence
from support.disk import small_disk
from support.poprad import Poprad, wait_for

CALLERS = NASES * CALLERS_A_NAS
SUBSCRIBERS = 4 * CALLERS  # so that an address goes from one to the other
POOL = "100.64.0.0/23"  # enough for those who are online and for what waits for a Start that never comes
DISK_MIB = 24
OPTIONS = {"spool_after": "300ms", "reconnect_max": "1s", "authorised": "10s"}


@contextlib.contextmanager
def chaos_server():
    """(a server that serves, its small disk or None)"""
    with small_disk(DISK_MIB) as disk:
        server = Poprad(**OPTIONS, **({"spool_directory": disk} if disk else {}))
        try:
            server.create_database()
            server.ctl("pool", "add", "chaos", POOL)
            server.ctl("plan", "add", "chaos", "--pool", "chaos", "--sessions", "1", "--interim", "10m")
            path = server.directory / "subscribers.csv"
            path.write_text("login,password,plan\n" + "".join(f"{login},secret,chaos\n" for login in logins()))
            path.chmod(0o644)
            server.ctl("subscriber", "import", str(path))
            server.start()
            yield server, disk
        finally:
            server.close()


def logins():
    return [f"chaos-{number}@isp.example" for number in range(SUBSCRIBERS)]


class Rounds:
    """count rounds; every plan comes before one comes again. seed: the same plans, though not the same moments."""

    def __init__(self, server, disk, seed, freeze_s, say):
        self.server, self.say = server, say
        self.rng = random.Random(seed)
        self.load = Load(server, logins(), random.Random(seed + 1))
        self.violence = Violence(server, self.load, self.rng, freeze_s, disk)
        self.left = []
        self.done = 0

    def plan(self):
        if not self.left:
            self.left = list(self.violence.plans())
            self.rng.shuffle(self.left)
        return self.left.pop()

    def run(self, count, seconds=None):
        """Ends before the next round when so many seconds are over."""
        begun = time.monotonic()
        self.load.start()
        while self.done < count and (seconds is None or time.monotonic() - begun < seconds):
            self.round(*self.plan())
        books.end(self.load)
        books.check_sessions(self.server, self.load)
        books.check_end(self.server, self.load)

    def round(self, trouble, act):
        begun, answered = time.monotonic(), len(self.load.acknowledged)
        time.sleep(self.rng.uniform(0.2, 1))
        self.violence.carry_out(trouble, act)
        wait_for(lambda: len(self.load.acknowledged) > answered, "records to be answered")
        books.settle(self.load)
        books.check_sessions(self.server, self.load)
        self.load.is_settling = False
        self.done += 1
        self.say(f"round {self.done}: database {trouble}, {act}: {len(self.load.acknowledged) - answered} records "
                 f"acknowledged, {len(self.load.faults)} faults, {time.monotonic() - begun:.1f} s")

    def report(self):
        yield f"{self.done} rounds, {self.load.session_count} sessions, {len(self.load.acknowledged)} records acknowledged"
        yield from (f"{count:8} {what}" for what, count in sorted(self.violence.totals.items()))
        yield f"{len(self.load.faults)} faults"
        yield from self.load.faults[:50]
