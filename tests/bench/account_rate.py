#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Measures poprad.account() on one durable connection, in batches of 256: Starts, interims, a 10/80/10 mix of Start,
interim and Stop, and the same again as repeats. Prints rates, the backend's CPU time per packet, and how many updates
were HOT. Figures of a quiet machine only mean something.

    tests/bench/account_rate.py [--sessions N] [--no-class] [--early-plans]

--no-class: the NAS returns no Class. --early-plans: the connection's statements were planned while the tables were
empty, as on a server that has run since its installation.
"""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.accounting import COLUMNS, INTERIM, START, STOP, account, packet, provider, rows  # noqa: E402
from support.cluster import Cluster  # noqa: E402

BATCH = 256


def fill(connection, count):
    """That many subscribers, each with an authorised session and its lease. Returns the sessions' keys."""
    rows(connection, """
        insert into poprad.subscriber (login, plan_id, password)
        select 'line-' || i || '@isp.example', 1, 'x' from generate_series(1, %s) i;
        insert into poprad.address (address, pool_id)
        select '100.64.0.0'::inet + i, 1 from generate_series(1, %s) i;
        insert into poprad.session (session_key, state, subscriber_id, plan_id, nas_id, nas_address, user_name, address,
            authorised_at, authorised_until, class, nas_port, calling_station_id, interim_s)
        select (to_char(i, 'fm000000000000') || '7' || repeat('0', 19))::uuid, 'authorised', u.subscriber_id, 1, 1,
            '10.0.3.1', u.login, '100.64.0.0'::inet + i, '2026-03-10 12:00Z', now(), 'poprad', i, '00-00-' || i, 600
        from generate_series(1, %s) i join poprad.subscriber u on u.login = 'line-' || i || '@isp.example';
        update poprad.address a set session_key = s.session_key, subscriber_id = s.subscriber_id
        from poprad.session s where s.address = a.address""", count, count, count)
    return [key for key, in rows(connection, "select session_key from poprad.session order by 1")]


def plan_early(administrator, server):
    for table in ("session", "session_alias", "address", "subscriber", "subscriber_state"):
        rows(administrator, f"alter table poprad.{table} set (autovacuum_enabled = off)")
    for name in range(6):
        identity = dict(acct_session_id=str(name), framed_address="10.0.8.3")
        account(server, packet(START, 5, **identity), packet(INTERIM, 65, session_time=60, **identity))
        account(server, packet(STOP, 75, session_time=70, **identity))
    rows(administrator, "delete from poprad.session; delete from poprad.session_alias")


class Bench:
    def __init__(self, administrator, server, keys, has_class):
        self.administrator, self.server, self.keys, self.has_class = administrator, server, keys, has_class
        kinds = ", ".join(f"{kind}[]" for _, kind in COLUMNS)
        places = ", ".join(f"${number}" for number in range(1, len(COLUMNS) + 1))
        rows(server, f"prepare a ({kinds}) as select * from poprad.account({places})")

    def packet(self, status, number, when, **values):
        line = number + 1
        return packet(status, when, class_key=self.keys[number] if self.has_class else None,
                      login=f"line-{line}@isp.example", acct_session_id=f"{number:08x}", nas_port=line,
                      calling_station_id=f"00-00-{line}", framed_address=f"100.64.{line >> 8 & 255}.{line & 255}",
                      nas_port_type="Virtual", service_type="Framed-User", framed_protocol="PPP", **values)

    def statement(self, batch):
        def literal(one):
            return "NULL" if one is None else f'"{one}"'
        arrays = ["{" + ",".join(literal(p[name]) for p in batch) + "}" for name, _ in COLUMNS]
        with self.server.cursor() as cursor:
            return cursor.mogrify(f"execute a ({', '.join(['%s'] * len(arrays))})", arrays)

    def cpu_ns(self):
        return int(pathlib.Path(f"/proc/{self.server.info.backend_pid}/schedstat").read_text().split()[0])

    def run(self, name, packets):
        statements = [self.statement(packets[first:first + BATCH]) for first in range(0, len(packets), BATCH)]
        cpu, began = self.cpu_ns(), time.monotonic()
        with self.server.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                cursor.fetchall()
        seconds, cpu = time.monotonic() - began, self.cpu_ns() - cpu
        print(f"{name}: {len(packets)} packets, {len(packets) / seconds:.0f}/s, "
              f"{cpu / len(packets) / 1000:.1f} us of backend each")

    def print_hot(self):
        time.sleep(1.1)  # a backend reports its statistics once a second
        rows(self.server, "select 1")
        print("updates, HOT updates:", rows(self.administrator, """
            select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'session'""")[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20000)
    parser.add_argument("--no-class", action="store_true")
    parser.add_argument("--early-plans", action="store_true")
    options = parser.parse_args()
    with Cluster(durable=True, settings={"shared_buffers": "512MB"}) as cluster:
        database = cluster.database()
        administrator, server = database.connect(), database.connect("poprad_server")
        provider(administrator)
        if options.early_plans:
            plan_early(administrator, server)
        bench = Bench(administrator, server, fill(administrator, options.sessions), not options.no_class)
        half = options.sessions // 2
        bench.run("Starts", [bench.packet(START, n, 5) for n in range(half)])
        bench.print_hot()
        bench.run("interims", [bench.packet(INTERIM, n, when, session_time=when, in_octets=when, out_octets=5 * when)
                               for when in (600, 1200, 1800) for n in range(half)])
        bench.print_hot()
        mix = []
        for n in range(half // 10):
            mix.append(bench.packet(START, half + n, 5))
            mix += [bench.packet(INTERIM, half // 10 + 8 * n + i, 2400, session_time=2395, in_octets=9000,
                                 out_octets=90000) for i in range(8)]
            mix.append(bench.packet(STOP, n, 2400, session_time=2395, terminate_cause="User-Request"))
        bench.run("10/80/10", mix)
        bench.run("repeats", mix)


if __name__ == "__main__":
    main()
