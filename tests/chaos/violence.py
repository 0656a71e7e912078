# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What is done to the server, its database and its disk. An act is done, perhaps while the database is in trouble."""
import collections
import contextlib
import os
import pathlib
import signal
import time

from chaos import power
from support.poprad import wait_for


class Violence:
    """freeze_s: how long PostgreSQL stands still. disk: the spool's own small file system, or None."""

    TROUBLES = ("none", "away", "frozen")
    ACTS = ("nothing", "kill a worker", "kill all workers", "kill the master", "kill PostgreSQL", "kill a backend",
            "cut the power", "fill the disk")

    def __init__(self, server, load, rng, freeze_s, disk=None):
        self.server, self.load, self.rng = server, load, rng
        self.freeze_s, self.disk = freeze_s, disk
        self.is_database_well = True
        self.totals = collections.Counter()

    def plans(self):
        """Every (trouble, act) that makes sense."""
        for trouble in self.TROUBLES:
            for act in self.ACTS:
                if trouble != "none" and act in ("kill PostgreSQL", "kill a backend"):
                    continue
                if act == "fill the disk" and (trouble != "away" or self.disk is None) or (trouble, act) == ("none", "nothing"):
                    continue
                yield trouble, act

    def carry_out(self, trouble, act):
        self.totals[f"database {trouble}" if trouble != "none" else "database well"] += 1
        self.totals[act] += 1
        self.is_database_well = trouble == "none"
        with getattr(self, f"database_{trouble}")():
            self.some_time()
            getattr(self, act.replace(" ", "_"))()
            self.some_time()

    def some_time(self):
        time.sleep(self.rng.uniform(0.3, 1.5))

    # --- the database -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def database_none(self):
        yield

    @contextlib.contextmanager
    def database_away(self):
        if self.rng.random() < 0.5:
            self.server.stop_database()
        else:
            self.server.kill_database()
        yield
        self.server.start_database()

    @contextlib.contextmanager
    def database_frozen(self):
        begun = time.monotonic()
        with self.server.frozen_database():
            yield
            time.sleep(max(0, self.freeze_s - (time.monotonic() - begun)))

    def kill_PostgreSQL(self):
        self.server.kill_database()
        self.server.start_database()

    def kill_a_backend(self):
        """PostgreSQL then ends all of them, and recovers."""
        pids = self.server.sql("select pid from pg_stat_activity where usename = 'poprad_server'")
        if pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(self.rng.choice(pids)[0]), signal.SIGKILL)

    # --- the server ---------------------------------------------------------------------------------------------------

    def nothing(self):
        pass

    def kill_a_worker(self):
        self.kill(1)

    def kill_all_workers(self):
        self.kill(None)

    def kill(self, count):
        for victim in self.server.worker_pids()[:count]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)

    def kill_the_master(self):
        self.server.kill()
        self.server.start()

    def cut_the_power(self):
        """All processes die at once, and what was not synced is lost. With a frozen database the server's alone."""
        self.load.hold()
        self.server.kill()
        if self.is_database_well:
            self.server.kill_database()
        self.load.drain()
        for path in self.server.spool_files():
            lost, appended = power.cut(path, self.load.acknowledged, self.rng)
            self.totals["segments cut"] += 1
            self.totals["records cut off"] += lost
            self.totals["octets of rubbish appended"] += appended
        self.load.release()
        if self.is_database_well:
            self.server.start_database()
        self.server.start()

    # --- the disk -----------------------------------------------------------------------------------------------------

    def fill_the_disk(self):
        filler = pathlib.Path(self.disk) / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        refused = self.server.counter("drop_spool_refused")
        wait_for(lambda: self.server.counter("drop_spool_refused") > refused, "the spool to refuse records")
        filler.unlink()
