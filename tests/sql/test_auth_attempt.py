# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Login attempts: batches, days, retention, and what popradctl why reads of them."""
import datetime

import psycopg2
import pytest

from support.batch import column
from support.cluster import load_sample

COLUMNS = {
    "attempted_at": "timestamptz", "login": "text", "subscriber_id": "int", "nas_id": "int", "nas_address": "inet",
    "nas_port": "bigint", "nas_port_id": "text", "calling_station_id": "text", "method": "text", "result": "text",
    "reason": "text", "address": "inet", "sent": "text", "duration_us": "int",
    "held_ms": "int", "detail": "text"}
STORE = "select * from poprad.auth_attempt_store({})".format(", ".join(f"%s::{kind}[]" for kind in COLUMNS.values()))
DAY = datetime.timedelta(days=1)


@pytest.fixture
def connection(database):
    made = database.connect()
    load_sample(database.connect(autocommit=False))
    keep(made)
    return made


def rows(connection, query, *values):
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def value(connection, query, *values):
    (row,), = [rows(connection, query, *values)]
    return row[0]


def keep(connection, seconds=30 * 86400):
    """How many days were dropped."""
    (_, dropped), = rows(connection, "select * from poprad.auth_attempt_days(array[%s]::bigint[])", seconds)
    return dropped


def now(connection):
    return value(connection, "select now()")


def attempt(at, **what):
    row = {**dict.fromkeys(COLUMNS), "attempted_at": at, "login": "demo@isp.example", "nas_address": "10.0.3.7",
           "result": "reject", "reason": "wrong_password", "duration_us": 900, **what}
    return row


def store(connection, *attempts):
    return rows(connection, STORE, *(column(attempts, name) for name in COLUMNS))


def partitions(connection):
    return [name for name, in rows(connection, """
        select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'poprad.auth_attempt'::regclass order by 1""")]


def name(day):
    return f"auth_attempt_{day:%Y%m%d}"


def today(connection):
    return value(connection, "select (now() at time zone 'UTC')::date")


def old_day(connection, days):
    """A day with one attempt of that long ago."""
    day = today(connection) - days * DAY
    rows(connection, "select poprad.auth_attempt_day(%s)", day)
    rows(connection, """insert into poprad.auth_attempt (attempted_at, login, nas_address, result, duration_us)
                        values (%s, 'old', '10.0.3.7', 'accept', 1) returning 1""",
         datetime.datetime.combine(day, datetime.time(12), datetime.timezone.utc))
    return name(day)


def test_days_are_made_ahead(connection):
    assert partitions(connection) == [name(today(connection) + n * DAY) for n in (-1, 0, 1, 2)]
    assert keep(connection) == 0
    assert len(partitions(connection)) == 4


def test_days_are_dropped_after_their_time(connection):
    two, three, ten = (old_day(connection, n) for n in (2, 3, 10))
    assert keep(connection, 4 * 86400) == 1
    assert partitions(connection)[:2] == [three, two] and ten not in partitions(connection)
    assert value(connection, "select count(*) from poprad.auth_attempt") == 2


def test_yesterday_is_kept_for_clocks_that_differ(connection):
    old_day(connection, 2)
    assert keep(connection, 3600) == 1
    assert partitions(connection)[0] == name(today(connection) - DAY)


def test_without_retention_only_today_is_left(connection):
    old_day(connection, 3)
    assert keep(connection, 0) == 2
    assert partitions(connection)[0] == name(today(connection))
    assert keep(connection, 0) == 0


def test_who_reads_a_day_keeps_it_for_now(connection, database):
    old_day(connection, 9)
    reader = database.connect(autocommit=False)
    rows(reader, "select count(*) from poprad.auth_attempt")
    rows(connection, "set lock_timeout = '10ms'; select 1")
    assert keep(connection, 86400) == 0
    reader.rollback()
    assert keep(connection, 86400) == 1


def test_a_batch_is_stored_as_it_came(connection):
    at = now(connection)
    full = attempt(at, subscriber_id=7, nas_id=1, nas_port=3, nas_port_id="ttyS3", calling_station_id="0255501234",
                   method="pap", result="accept", reason=None, address="10.0.8.1", sent="Service-Type=2")
    assert store(connection, full, attempt(at, login="")) == []
    stored = rows(connection, f"select {', '.join(COLUMNS)} from poprad.auth_attempt order by login desc")
    assert [dict(zip(COLUMNS, row)) for row in stored] == [full, attempt(at, login="")]


def test_one_kind_of_value_missing_in_all(connection):
    store(connection, attempt(now(connection)), attempt(now(connection)))
    assert value(connection, "select count(*) from poprad.auth_attempt where address is null") == 2
    assert store(connection) == []


def test_a_clock_that_is_wrong_moves_the_row_and_loses_none(connection):
    at = now(connection)
    store(connection, attempt(at - 30 * DAY), attempt(at + 30 * DAY), attempt(at))
    assert value(connection, """select count(*) from poprad.auth_attempt
                                where attempted_at between now() - interval '25 hours' and now() + interval '25 hours'""") == 3


def test_the_daemon_needs_no_more_than_the_functions(connection, database):
    daemon = database.connect("poprad_server")
    assert keep(daemon) == 0
    store(daemon, attempt(now(daemon)))
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        rows(daemon, "select * from poprad.auth_attempt")
    assert value(database.connect("poprad_operator"), "select count(*) from poprad.auth_attempt") == 1


def test_a_row_of_a_day_that_is_missing_is_refused_as_a_value(connection):
    """So that the lane finds out which: its SQLSTATE begins with 23."""
    rows(connection, "select poprad.auth_attempt_forget(%s)", today(connection) + 9 * DAY)
    with pytest.raises(psycopg2.errors.CheckViolation):
        store(connection, attempt(now(connection)))


# Why ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def operator(connection, database):
    return database.connect("poprad_operator")


def why(operator, login, nas=None, many=50):
    return value(operator, "select poprad.why(%s, %s, %s)", login, nas, many)


def stamp(at):
    return at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_attempts_that_repeat_are_one(connection, operator):
    at = now(connection).replace(microsecond=0)
    second = datetime.timedelta(seconds=1)
    store(connection, *(attempt(at - n * second, nas_id=1, calling_station_id="0255501234") for n in (5, 4, 3)),
          attempt(at - 2 * second, nas_id=1, result="accept", reason=None, address="10.0.8.9"),
          attempt(at - second, nas_id=1, calling_station_id="0255501234"), attempt(at, login="other@isp.example"))
    found = why(operator, "demo@isp.example")["attempts"]
    assert [(one["attempts"], one["reason"], one["first_at"], one["last_at"]) for one in found] == [
        (1, "wrong_password", stamp(at - second), stamp(at - second)),
        (1, None, stamp(at - 2 * second), stamp(at - 2 * second)),
        (3, "wrong_password", stamp(at - 5 * second), stamp(at - 3 * second))]
    assert found[1]["address"] == "10.0.8.9"
    assert [one["attempts"] for one in why(operator, "demo@isp.example", many=4)["attempts"]] == [1, 1, 2]


def test_attempts_of_one_nas(connection, operator):
    at = now(connection)
    (nas_id, nas), *_ = rows(connection, "select nas_id, name from poprad.nas order by nas_id")
    store(connection, attempt(at, nas_id=nas_id), attempt(at, nas_id=12345))
    assert [one["nas"] for one in why(operator, "demo@isp.example")["attempts"]] in ([nas, None], [None, nas])
    assert [one["nas"] for one in why(operator, "demo@isp.example", nas)["attempts"]] == [nas]


def test_packets_that_nobody_can_be_told_by(connection, operator):
    at = now(connection)
    for minutes in (3, 2, 1):
        store(connection, attempt(at - datetime.timedelta(minutes=minutes), login="", nas_address="192.0.2.1",
                                  result="drop", reason="unknown_nas"))
    one, = why(operator, "demo@isp.example")["dropped"]
    assert (one["nas"], one["nas_address"], one["reason"], one["minutes"]) == (None, "192.0.2.1", "unknown_nas", 3)


@pytest.mark.parametrize("asked, similar", [
    ("dmeo@isp.example", "demo@isp.example"), ("demoo@isp.example", "demo@isp.example"),
    ("dem@isp.example", "demo@isp.example"), ("deno@isp.example", "demo@isp.example"),
    ("Demo@isp.example", "demo@isp.example"), ("demo@isp.exampl", "demo@isp.example"),
    ("demo@other.example", "demo@isp.example"), ("demo", "demo@isp.example"), ("demo@isp-example", "demo@isp.example")])
def test_near_misses(operator, asked, similar):
    found = why(operator, asked)
    assert found["subscriber"] is None and similar in found["similar"] and asked not in found["similar"]


@pytest.mark.parametrize("asked", ["nobody-at-all@elsewhere.example", "", "@", "'; drop table x", "x" * 253, "%", "\\"])
def test_no_near_miss(operator, asked):
    assert why(operator, asked)["similar"] == []


def test_no_password_is_in_the_document(connection, operator):
    rows(connection, "update poprad.subscriber set password = 'not-to-be-seen' where login = 'demo@isp.example' returning 1")
    found = why(operator, "demo@isp.example")
    assert found["subscriber"]["status"] == "active" and "not-to-be-seen" not in str(found)


def test_sessions(connection, operator):
    subscriber = value(connection, "select subscriber_id from poprad.subscriber where login = 'demo@isp.example'")
    session = """insert into poprad.session (session_key, state, subscriber_id, nas_id, nas_address, user_name, address,
                                             started_at, stopped_at, terminate_cause)
                 values (gen_random_uuid(), %s, %s, 1, '10.0.3.7', 'demo', %s, now() - %s::interval, now(), %s) returning 1"""
    rows(connection, session, "active", subscriber, "10.0.8.1", "1 hour", None)
    rows(connection, session, "closed", subscriber, "10.0.8.2", "3 hours", "Lost-Carrier")
    rows(connection, session, "closed", subscriber, "10.0.8.3", "9 hours", "User-Request")
    found = why(operator, "demo@isp.example")
    assert [one["address"] for one in found["sessions"]] == ["10.0.8.1"]
    assert (found["last_session"]["address"], found["last_session"]["terminate_cause"]) == ("10.0.8.2", "Lost-Carrier")
