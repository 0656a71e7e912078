# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What tests of the accounting functions share: packets as the server hands them over, and a small provider."""

import datetime
import itertools
import json
import time
import uuid

import psycopg2
import psycopg2.extras

from support.batch import column

psycopg2.extras.register_uuid()

START, STOP, INTERIM = 1, 2, 3
NO_KEY = uuid.UUID(int=0)
RETRIES = 50  # of a batch that met a session on its way into history, or another under its name
EPOCH = datetime.datetime(2026, 3, 10, 12, 0, 0, tzinfo=datetime.timezone.utc)

# The parameters of poprad.account(), in their order.
COLUMNS = [
    ("new_key", "uuid"), ("class_key", "uuid"), ("status", "int2"), ("nas_id", "int4"), ("nas_address", "inet"),
    ("nas_ip_address", "inet"), ("nas_identifier", "text"), ("acct_session_id", "text"),
    ("acct_multi_session_id", "text"), ("login", "text"), ("user_name", "text"), ("class", "text"),
    ("framed_address", "inet"), ("framed_ipv6_address", "inet"), ("framed_ipv6_prefix", "inet"),
    ("framed_interface_id", "text"), ("delegated_ipv6_prefix", "inet"), ("nas_port", "int8"), ("nas_port_id", "text"),
    ("nas_port_type", "text"), ("calling_station_id", "text"), ("called_station_id", "text"), ("service_type", "text"),
    ("framed_protocol", "text"), ("authentic", "text"), ("connect_info", "text"), ("event_at", "timestamptz"),
    ("received_at", "timestamptz"), ("session_time", "int8"), ("in_octets", "int8"), ("out_octets", "int8"),
    ("has_gigawords", "bool"), ("in_packets", "int8"), ("out_packets", "int8"), ("terminate_cause", "text"),
    ("fingerprint", "int8"),
]
NAMES = ("login", "user_name", "acct_session_id")  # empty if the packet has none
ACCOUNT = ("select * from poprad.account("
           + ", ".join(f"%({name})s::{kind}[]" for name, kind in COLUMNS) + ")")

_serial = itertools.count()


def at(seconds):
    """A time on the tests' own clock."""
    return EPOCH + datetime.timedelta(seconds=seconds)


def new_key(born=None):
    """A session key as the server mints it; born: seconds since 1970."""
    milliseconds = int((time.time() if born is None else born) * 1000)
    random = uuid.uuid4().int
    counter = next(_serial) & 0xfff
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | counter << 64 | 2 << 62 | random & (1 << 62) - 1)


def packet(status, when, **values):
    """One packet at that second of the tests' clock; values replace or add to an ordinary modem's."""
    made = {name: None for name, _ in COLUMNS}
    made.update(new_key=new_key(), status=status, nas_id=1, nas_address="10.0.3.1", acct_session_id="00000001",
                login="demo@isp.example", event_at=at(when), received_at=at(when), has_gigawords=False)
    unknown = set(values) - set(made) - {"user_name"}
    assert not unknown, unknown
    made.update(values)
    if made["user_name"] is None:
        made["user_name"] = made["login"] or ""
    return made


def account(connection, *packets):
    """Carries out one batch. Returns (verdict, class_matched, released) of each packet."""
    packets = [{**one, **{name: one[name] or "" for name in NAMES}} for one in packets]
    with connection.cursor() as cursor:
        cursor.execute(ACCOUNT, {name: column(packets, name) for name, _ in COLUMNS})
        rows = cursor.fetchall()
    assert [row[0] for row in rows] == list(range(1, len(packets) + 1))
    return [row[1:] for row in rows]


def durable(connection, *packets):
    """As a lane does: a serialisation failure is tried again whole."""
    for _ in range(RETRIES):
        try:
            return account(connection, *packets)
        except psycopg2.errors.SerializationFailure:
            continue
    raise AssertionError("the batch was never recorded")


def device(connection, status, when, nas_id=1, nas_address="10.0.3.1", nas_ip_address=None, nas_identifier=None,
           received=None, max_sessions=500, after=NO_KEY):
    """Accounting-On (7) or -Off (8). Returns (closed, reached)."""
    return rows(connection, """
        select closed, reached from poprad.account_device(array[%s]::int2[], array[%s], array[%s]::inet[],
            array[%s]::inet[], array[%s]::text[], array[%s], array[%s], array[%s], array[%s])""",
                status, nas_id, nas_address, nas_ip_address, nas_identifier, at(when),
                at(when if received is None else received), max_sessions, after)[0]


def rows(connection, statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def value(connection, statement, *values):
    return rows(connection, statement, *values)[0][0]


def sessions(connection, order="started_at, session_key"):
    """Every session, wherever it is, as dictionaries with is_history."""
    found = rows(connection, f"""
        select row_to_json(s)::text from (
            select *, false as is_history from poprad.session
            union all select *, true from poprad.session_history) s
        order by {order}""")
    return [json.loads(text) for text, in found]


def session(connection, key):
    found = [s for s in sessions(connection) if s["session_key"] == str(key)]
    assert len(found) == 1, found
    return found[0]


def holder(connection, address):
    """The key of the session that holds the address, or None."""
    return value(connection, "select session_key from poprad.address where address = %s", address)


def provider(connection):
    """A plan for one session at a time, one without limit, four subscribers, and the addresses 10.0.8.1 to 10.0.8.20."""
    rows(connection, """
        insert into poprad.realm (name) values ('isp.example');
        insert into poprad.pool (name) values ('dynamic');
        insert into poprad.plan (name, pool_id, session_limit) values ('dialup', 1, 1), ('unlimited', 1, 0);
        insert into poprad.subscriber (login, plan_id, password) values
            ('demo@isp.example', 1, 'x'), ('other@isp.example', 1, 'x'), ('many@isp.example', 2, 'x'),
            ('static@isp.example', 1, 'x');
        insert into poprad.subscriber_state (subscriber_id) select subscriber_id from poprad.subscriber
            on conflict do nothing;
        insert into poprad.address (address, pool_id) select '10.0.8.0'::inet + i, 1 from generate_series(1, 20) i;
        insert into poprad.address (address, is_static) values ('10.0.4.10', true);
        update poprad.subscriber set static_address = '10.0.4.10' where login = 'static@isp.example'""")


def authorise(connection, login="demo@isp.example", address="10.0.8.1", when=0, **values):
    """A session as an Access-Accept leaves it, with its lease. Returns its key."""
    made = dict(session_key=new_key(), state="authorised", nas_id=1, nas_address="10.0.3.1", user_name=login,
                authorised_at=at(when), authorised_until=at(when + 60), address=address)
    made["class"] = f"poprad:{made['session_key'].hex}"
    made.update(values)
    made["subscriber_id"], made["plan_id"] = rows(
        connection, "select subscriber_id, plan_id from poprad.subscriber where login = %s", login)[0]
    names = list(made)
    rows(connection, f"insert into poprad.session ({', '.join(names)}) values ({', '.join(['%s'] * len(names))})",
         *made.values())
    if address is not None:
        rows(connection, "update poprad.address set session_key = %s, subscriber_id = %s where address = %s",
             made["session_key"], made["subscriber_id"], address)
    return made["session_key"]


def expire(connection, key, when, rank=1):
    """What the expiry of an authorised session, or the sweep of an active one, leaves."""
    rows(connection, """
        update poprad.session set state = 'closed', authorised_until = null, stopped_at = %s, closed_at = %s,
            cause_rank = %s, terminate_cause = 'Lost-Carrier' where session_key = %s""", at(when), at(when), rank, key)
    rows(connection, "update poprad.address set session_key = null where session_key = %s", key)


def into_history(connection):
    """Lets two hours pass for what is closed, and moves it."""
    rows(connection, """update poprad.session set closed_at = closed_at - interval '2 hours',
                        last_heard = last_heard - interval '2 hours' where state = 'closed'""")
    return value(connection, "select moved from poprad.move_closed(array[500])")
