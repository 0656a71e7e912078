# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Calls the SQL functions of the login path as the server does, and makes the rows that they need."""

import collections
import itertools
import os
import time
import uuid

import psycopg2.extras

from support.batch import column

psycopg2.extras.register_uuid()

COLUMNS = (
    ("session_key", "uuid"), ("subscriber_id", "int4"), ("plan_id", "int4"), ("pool_id", "int4"),
    ("nas_group_id", "int4"), ("static_address", "inet"), ("wants_address", "bool"), ("session_limit", "int4"),
    ("interim_s", "int4"), ("session_timeout_s", "int4"), ("no_accounting", "bool"), ("nas_id", "int4"),
    ("nas_address", "inet"), ("nas_ip_address", "inet"), ("nas_identifier", "text"), ("nas_port", "int8"),
    ("nas_port_id", "text"), ("nas_port_type", "text"), ("calling_station_id", "text"),
    ("called_station_id", "text"), ("user_name", "text"), ("service_type", "text"), ("framed_protocol", "text"),
    ("class", "text"), ("candidate_1", "inet"), ("candidate_2", "inet"), ("candidate_3", "inet"),
    ("candidate_4", "inet"), ("search", "bool"), ("authorised_max", "int4"), ("authorised_s", "int4"),
    ("learned_station", "text"), ("framed_prefix", "inet"), ("delegated_prefix", "inet"), ("framed_pool_id", "int4"),
    ("delegated_pool_id", "int4"), ("prefix_search", "bool"), ("prefix_required", "bool"))

DEFAULTS = {
    "plan_id": 1, "pool_id": 1, "nas_group_id": 0, "wants_address": True, "session_limit": 0, "interim_s": 600,
    "session_timeout_s": 0, "no_accounting": False, "nas_id": 1, "nas_address": "10.0.3.1", "user_name": "someone",
    "service_type": "Framed-User", "framed_protocol": "PPP", "search": False, "authorised_max": 4,
    "authorised_s": 60}

ADMIT = "select * from poprad.admit(" + ", ".join(f"%s::{kind}[]" for _, kind in COLUMNS) + ")"


class Verdict(collections.namedtuple("Verdict", "reason session_key address used_candidate")):
    """What admit() says; prefixes: the framed and the delegated one."""

    prefixes = (None, None)


_mint_count = itertools.count()


def mint(born_at=None):
    """A time-ordered session key, as a worker mints it (at another time than now)."""
    milliseconds = int((time.time() if born_at is None else born_at) * 1000)
    count = next(_mint_count) & 0xFFF
    value = milliseconds << 80 | 0x7 << 76 | count << 64 | 0x2 << 62 | int.from_bytes(os.urandom(7), "big")
    return uuid.UUID(int=value)


def request(subscriber_id, **values):
    unknown = set(values) - {name for name, _ in COLUMNS}
    assert not unknown, unknown
    made = {name: None for name, _ in COLUMNS}
    made.update(DEFAULTS, session_key=mint(), subscriber_id=subscriber_id)
    made.update(values)
    return made


def admit(cursor, *requests):
    """The verdicts in the order of the requests; None where no row came."""
    cursor.execute(ADMIT, [column(requests, name) for name, _ in COLUMNS])
    verdicts = [None] * len(requests)
    for ordinal, *columns in cursor.fetchall():
        assert verdicts[ordinal - 1] is None, "two rows for one request"
        verdicts[ordinal - 1] = Verdict(*columns[:4])
        verdicts[ordinal - 1].prefixes = tuple(columns[4:])
    return verdicts


def double_leases(cursor):
    """Leases that must not be: an address held by a session that is closed, gone, or has another address."""
    cursor.execute("""
        select host(a.address), a.session_key from poprad.address a
        left join poprad.session s on s.session_key = a.session_key
        where a.session_key is not null
            and (s.session_key is null or s.state = 'closed' or s.address is distinct from a.address
                and s.leased_framed_prefix is distinct from a.address
                and s.leased_delegated_prefix is distinct from a.address)""")
    return cursor.fetchall()


def rows_read(cursor):
    """Rows of all tables that this transaction has read."""
    cursor.execute("""select coalesce(sum(seq_tup_read + idx_tup_fetch), 0) from pg_stat_xact_all_tables
                      where schemaname = 'poprad'""")
    return int(cursor.fetchone()[0])


class Network:
    """A provider in a database: one NAS, pools and subscribers, by plain inserts."""

    def __init__(self, database):
        self.database = database
        self.connection = database.connect()
        self.cursor = self.connection.cursor()
        self.one("""insert into poprad.nas (name, prefix, secret, kind) values ('bank', '10.0.3.0/24', 'secret', 'cisco')
                    returning nas_id""")
        self.pool("dynamic", "10.0.8.0/28")
        self.one("insert into poprad.plan (name, pool_id) values ('dialup', 1) returning plan_id")

    def one(self, sql, *parameters):
        self.cursor.execute(sql, parameters)
        return self.cursor.fetchone()[0]

    def run(self, sql, *parameters):
        self.cursor.execute(sql, parameters)

    def group(self, name, is_own_network=True):
        return self.one("insert into poprad.nas_group (name, is_own_network) values (%s, %s) returning nas_group_id",
                        name, is_own_network)

    def pool(self, name, prefix, group_id=None):
        """A range of a pool, all its addresses included. Returns the range."""
        self.run("insert into poprad.pool (name) values (%s) on conflict do nothing", name)
        pool_range_id = self.one("""
            insert into poprad.pool_range (pool_id, prefix, nas_group_id, first_address, last_address)
            select pool_id, %s, %s, host(network(%s::inet))::inet, host(broadcast(%s::inet))::inet
            from poprad.pool where name = %s returning pool_range_id""", prefix, group_id, prefix, prefix, name)
        self.run("""
            insert into poprad.address (address, pool_id, pool_range_id)
            select r.first_address + i, r.pool_id, r.pool_range_id
            from poprad.pool_range r, generate_series(0, r.last_address - r.first_address) i
            where r.pool_range_id = %s
            on conflict (address) do update set pool_id = excluded.pool_id, pool_range_id = excluded.pool_range_id
            """, pool_range_id)
        return pool_range_id

    def subscriber(self, login=None, **columns):
        columns = {"login": f"line-{mint()}" if login is None else login, "plan_id": 1, "password": "secret", **columns}
        names = ", ".join(columns)
        places = ", ".join(["%s"] * len(columns))
        return self.one(f"insert into poprad.subscriber ({names}) values ({places}) returning subscriber_id",
                        *columns.values())

    def subscribers(self, count):
        return [self.subscriber() for _ in range(count)]

    def start(self, session_key):
        """What a Start does to an authorised session."""
        self.run("""update poprad.session set state = 'active', authorised_until = null, started_at = now(),
                    updated_at = now() where session_key = %s""", session_key)

    def holder(self, address):
        self.cursor.execute("select session_key from poprad.address where address = %s", (address,))
        row = self.cursor.fetchone()
        return row and row[0]

    def leased(self):
        self.cursor.execute("select host(address) from poprad.address where session_key is not null order by address")
        return [address for address, in self.cursor.fetchall()]

    def session(self, session_key):
        """The session's row as a dictionary, or None."""
        self.cursor.execute("select * from poprad.session where session_key = %s", (session_key,))
        row = self.cursor.fetchone()
        return row and dict(zip([column.name for column in self.cursor.description], row))

    def session_count(self):
        return self.one("select count(*) from poprad.session")
