#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Does anything grow? Sessions come, report and go for a long time on a pool that is 99 % full, with durable commits.

    tests/bench/churn.py --root PREFIX [--minutes 30] [--every 30] [--hold 4]

All dial at once in the beginning, so that some must try again. Each subscriber logs in, reports three times and goes,
with a pause (--hold) before each record but the first; so the load is always the same, and it shows in the cost of an
answer if something degrades. Prints a line of figures now and then, and at the end whether the first and the last third
are alike. History grows, as it should; all else must not.
"""

import argparse
import pathlib
import signal
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import generator  # noqa: E402
import settings  # noqa: E402
from poprad_server import PopradServer  # noqa: E402
from support import poprad  # noqa: E402

POOL = "100.64.0.0/17"
ADDRESSES = 2 ** 15 - 2
FULL = 0.99
ONLINE = int(ADDRESSES * FULL)
SUBSCRIBERS = 2 * ADDRESSES  # addresses pass from one to another
INTERIMS = 3
# Closed sessions go into history after an hour, their aliases a day later. Here it is minutes, so that a run sees many
# of these periods.
PERIODS = {"closed_at < now() - interval '1 hour'": "closed_at < now() - interval '1 minute'",
           "moved_at < now() - interval '1 day'": "moved_at < now() - interval '2 minutes'"}
COUNTED = ("accepted", "rejected", "acknowledged", "operations_failed", "retransmits", "double_addresses", "duration_s")
WARM_UP_SECONDS = 240  # both have passed, and vacuum has been here
# What may differ between the thirds: costs by what else the machine does, sizes by where a vacuum stands.
RATE_TOLERANCE, COST_TOLERANCE, SIZE_TOLERANCE = 0.05, 0.10, 0.10

# history's partitions are counted together; the rest of the schema changes too little to show
SIZES = """
	select case when t.relname like 'session_history%' then 'history' else t.relname end as name,
		sum(pg_table_size(t.oid)), sum(pg_indexes_size(t.oid)), sum(s.n_dead_tup)
	from pg_class t join pg_stat_user_tables s on s.relid = t.oid
	where t.relnamespace = 'poprad'::regnamespace and t.relkind = 'r'
		and (t.relname like 'session%' or t.relname in ('address', 'subscriber', 'subscriber_state'))
	group by 1 order by 1"""


class Churn(PopradServer):
    """A server that forgets sooner."""

    def fill(self, connection, kind):
        super().fill(connection, kind)
        shorten_periods(connection)

    def sample(self):
        """One line: what was answered so far, and the tables."""
        counters = self.server.counters()
        tables = {"history": (0, 0, 0)}
        tables.update({name: (int(table), int(indexes), int(dead)) for name, table, indexes, dead in self.query(SIZES)})
        return {"when": time.monotonic(), "cpu": self.cpu(),
                "answers": counters["access_accepts"] + counters["accounting_responses"],
                "memory": self.memory_kib() * 1024, "tables": tables}


def shorten_periods(connection):
    with connection, connection.cursor() as cursor:
        cursor.execute("set local role poprad_owner")
        for period, shorter in PERIODS.items():
            cursor.execute("""select pg_get_functiondef(oid) from pg_proc
                where pronamespace = 'poprad'::regnamespace and position(%s in prosrc) > 0""", (period,))
            found = cursor.fetchall()
            assert len(found) == 1, f"there is not one function with {period}"
            cursor.execute(found[0][0].replace(period, shorter))


class Load(threading.Thread):
    """popradload, beside the samples."""

    def __init__(self, server, options):
        super().__init__()
        self.server, self.options, self.summary, self.problem = server, options, None, None

    def run(self):
        try:
            self.summary = generator.run(
                self.server, "session", interims=INTERIMS, window=ONLINE, ports=8,
                hold=f"{int(self.options.hold * 1000)}ms", duration=f"{int(self.options.minutes * 60)}s")
        except (generator.Failed, OSError, ValueError) as problem:
            self.problem = problem


def mib(octets):
    return f"{octets / 2 ** 20:.1f}"


def header(sample):
    columns = ["minute", "answers/s", "server us each", "database us each", "server MiB"]
    for name in sample["tables"]:
        columns += [f"{name} MiB", "indexes MiB", "dead rows"]
    return "| " + " | ".join(columns) + " |\n|" + " ---: |" * len(columns)


def row(sample, begun):
    cells = [f"{(sample['when'] - begun) / 60:.1f}", f"{sample['rate']:,.0f}",
             *(f"{sample['cost'][name]:.1f}" for name in ("server", "database")), mib(sample["memory"])]
    for table, indexes, dead in sample["tables"].values():
        cells += [mib(table), mib(indexes), f"{dead:,}"]
    return "| " + " | ".join(cells) + " |"


def compare(name, first, last, tolerance, is_more_worse):
    change = statistics.mean(last) / statistics.mean(first) - 1
    is_flat = change <= tolerance if is_more_worse else change >= -tolerance
    print(f"{name}: last third against first third {change:+.1%}: {'flat' if is_flat else 'NOT flat'}")
    return is_flat


def judge(samples):
    """True if nothing but history has grown and the rate has not fallen."""
    third = max(1, len(samples) // 3)
    first, last = samples[:third], samples[-third:]

    def check(name, value, tolerance, is_more_worse=True):
        return compare(name, [value(one) for one in first], [value(one) for one in last], tolerance, is_more_worse)

    verdicts = [check("rate", lambda one: one["rate"], RATE_TOLERANCE, is_more_worse=False),
                check("server, CPU per answer", lambda one: one["cost"]["server"], COST_TOLERANCE),
                check("database, CPU per answer", lambda one: one["cost"]["database"], COST_TOLERANCE),
                check("server, memory", lambda one: one["memory"], SIZE_TOLERANCE)]
    for table in samples[0]["tables"]:
        if table != "history":
            verdicts += [check(f"{table}, table", lambda one, name=table: one["tables"][name][0], SIZE_TOLERANCE),
                         check(f"{table}, indexes", lambda one, name=table: one["tables"][name][1], SIZE_TOLERANCE)]
    return all(verdicts)


def watch(server, load, every, warm_up, until):
    """Samples as long as sessions come. The beginning, in which the pool fills, is no part of it."""
    load.join(warm_up)
    samples, before = [], server.sample()
    begun = before["when"]
    print(header(before), flush=True)
    while load.is_alive() and time.monotonic() + every < until:
        load.join(every)
        now = server.sample()
        answers = now["answers"] - before["answers"]
        now["rate"] = answers / (now["when"] - before["when"])
        now["cost"] = {name: 1e6 * (now["cpu"][name] - before["cpu"][name]) / max(answers, 1) for name in now["cpu"]}
        samples.append(now)
        print(row(now, begun), flush=True)
        before = now
    return samples


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--every", type=float, default=30, help="seconds between two lines")
    parser.add_argument("--hold", type=float, default=4, help="seconds between a session's records")
    parser.add_argument("--root", type=pathlib.Path, default=settings.ROOT,
                        help="prefix of the installed programs (POPRAD_ROOT, or var/root)")
    return parser.parse_args()


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    settings.ROOT = poprad.ROOT = options.root.resolve()
    with Churn(SUBSCRIBERS, POOL) as server:
        server.fresh("session")
        load = Load(server, options)
        until = time.monotonic() + options.minutes * 60
        load.start()
        try:
            samples = watch(server, load, options.every, min(WARM_UP_SECONDS, options.minutes * 20), until)
            load.join()
        finally:
            generator.stop()
        if load.problem is not None or not samples:
            sys.exit(f"no result: {load.problem}")
        counted = {name: load.summary[name] for name in COUNTED}
        counted.update({f"{role} lost": load.summary[role]["lost"] for role in ("login", "accounting")})
        print(counted)
        is_flat = judge(samples)
        sys.exit(0 if is_flat and counted["rejected"] == counted["double_addresses"] == 0 else 1)


if __name__ == "__main__":
    main()
