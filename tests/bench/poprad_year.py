# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""poprad with a year of closed sessions behind it.

They are too many to copy for each measurement: the database is made once and stays; before a measurement, what the last
one left in the tables of the present goes. Nothing moves into history meanwhile, as that takes an hour.
"""

import concurrent.futures
import contextlib
import datetime

import psycopg2

import settings
from contender import DATABASE
from poprad_server import PopradServer

DAYS = 365
CONNECTIONS = 2
# Each on both sides: they have as much to show without the year as with it.
LOOKED_UP, SESSIONS_EACH = 200, 50

# Sessions of 40 minutes whose births are spread evenly over a span: subscribers take turns, and dial five times a day on
# the days on which they dial. A part of them: those from first to last.
SESSIONS = """
    insert into poprad.session_history (session_key, state, subscriber_id, plan_id, nas_id, nas_address, nas_ip_address,
            nas_port, nas_port_type, calling_station_id, user_name, acct_session_id, class, address, framed_address,
            service_type, framed_protocol, authentic, authorised_at, started_at, updated_at, last_heard, stopped_at,
            closed_at, terminate_cause, cause_rank, interim_s, session_time, in_octets, out_octets, day_ends,
            booked_seconds, booked_in, booked_out, change_number, revision)
        select k.session_key, 'closed', s.subscriber_id, s.plan_id, 1, '127.0.2.1', '127.0.2.1', g.n, 'Virtual',
            'line-' || g.n, s.login, to_hex(g.i), 'poprad:' || replace(k.session_key::text, '-', '') || ':00000000',
            a.address, a.address, 'Framed-User', 'PPP', 'RADIUS', g.born, g.born, g.born + '40 min', g.born + '40 min',
            g.born + '40 min', g.born + '40 min', 'User-Request', 0, 600, 2400, 1000000, 8000000,
            (date_trunc('day', g.born at time zone 'UTC') + interval '1 day') at time zone 'UTC', 2400, 1000000, 8000000,
            %(numbered)s + g.i + 1, 1
        from (
            select i, 1 + (i / 5 * 7919) %% %(subscribers)s as n,
                %(begins)s::timestamptz + i * %(step)s * interval '1 s' - (i %% 5) * interval '3 h' as born
            from generate_series(%(first)s::bigint, %(last)s) i
        ) g
        join poprad.subscriber s on s.login = 'line-' || g.n || '@isp.example'
        cross join lateral (
            select (lpad(to_hex((extract(epoch from g.born) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(g.i %% 4096), 3, '0')
                || '8' || md5(g.i || '/' || %(span)s)::char(15))::uuid as session_key
        ) k
        cross join lateral (select host(network(%(pool)s::cidr))::inet + 1 + g.i %% 60000 as address) a
        order by g.born"""
DAYS_USED = """
    insert into poprad.usage_day (subscriber_id, day, plan_id, seconds, octets_in, octets_out, sessions)
        select subscriber_id, (started_at at time zone 'UTC')::date, plan_id, sum(session_time), sum(in_octets),
            sum(out_octets), count(*)
        from poprad.session_history group by 1, 2, 3;
    insert into poprad.usage_month (subscriber_id, month, seconds, octets_in, octets_out)
        select subscriber_id, date_trunc('month', day::timestamp), sum(seconds), sum(octets_in), sum(octets_out)
        from poprad.usage_day group by 1, 2"""

# As it was before the first measurement, in the same places.
PRESENT_AGAIN = [
    "truncate poprad.session, poprad.session_alias, poprad.auth_attempt",
    "update poprad.address set session_key = null, subscriber_id = null",
    "update poprad.subscriber_state set last_address = null",
    "vacuum (full, analyze) poprad.address",
    "vacuum (full, analyze) poprad.subscriber_state",
    "select pg_prewarm(i.indexrelid) from pg_index i where i.indrelid = 'poprad.subscriber'::regclass",
    "select pg_prewarm('poprad.subscriber')",
    "select pg_prewarm('poprad.address'), pg_prewarm('poprad.subscriber_state')",
]


class PopradYear(PopradServer):
    """closed: how many sessions of a year that is over."""

    def __init__(self, closed, subscribers=settings.SUBSCRIBERS):
        super().__init__(subscribers)
        self.closed = closed
        self.is_made = False

    def fill(self, connection, kind):
        super().fill(connection, kind)
        connection.commit()
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(hours=2)
        fill_year(connection, now, self.subscribers, self.closed, self.cluster.conninfo(DATABASE))
        with connection.cursor() as cursor:
            cursor.execute("create extension pg_prewarm")

    def prepare(self, kind):
        if not self.is_made:
            self.make(DATABASE, kind)
            self.is_made = True
        self.statements(PRESENT_AGAIN)

    def statements(self, statements):
        """One after the other, each in a transaction of its own."""
        with contextlib.closing(psycopg2.connect(self.cluster.conninfo(DATABASE))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

    def rest(self):
        self.stop_server()
        if self.cluster.process is not None:
            self.cluster.stop()

    def octets(self):
        """What history takes, and what its days take."""
        return self.query("""select sum(pg_total_relation_size(inhrelid))::bigint, pg_total_relation_size('poprad.usage_day')
            from pg_inherits where inhparent = 'poprad.session_history'::regclass""")[0]


def fill_year(connection, now, subscribers, closed, conninfo):
    """The year, then the last days of those that are looked up."""
    year = datetime.timedelta(days=DAYS)
    with connection, connection.cursor() as cursor:
        for month in range(-13, 1):
            cursor.execute("select poprad.session_history_partition(date_trunc('month', %s::timestamp) + %s * interval '1 month')",
                           (now, month))
    fill_span(conninfo, "year", now - year, now, subscribers, closed, 0)
    fill_span(conninfo, "last days", now - datetime.timedelta(days=20), now, LOOKED_UP, LOOKED_UP * SESSIONS_EACH, closed)
    with connection, connection.cursor() as cursor:
        cursor.execute(DAYS_USED)
        cursor.execute("update poprad.billing_sequence set last_number = %s", (closed + LOOKED_UP * SESSIONS_EACH,))


def fill_span(conninfo, span, begins, ends, subscribers, closed, numbered):
    """In parts, over some connections: a part is about a day's births, so that indexes grow where they have grown.
    numbered: how many changes have their number."""
    if closed == 0:
        return
    parts = max(1, closed // 100_000)
    borders = [closed * part // parts for part in range(parts + 1)]
    common = {"subscribers": subscribers, "begins": begins, "step": (ends - begins).total_seconds() / closed,
              "span": span, "pool": settings.POOL, "numbered": numbered}

    def fill_part(borders):
        with contextlib.closing(psycopg2.connect(conninfo)) as own, own, own.cursor() as cursor:
            cursor.execute(SESSIONS, {**common, "first": borders[0], "last": borders[1] - 1})

    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        for _ in pool.map(fill_part, zip(borders, borders[1:])):
            pass
