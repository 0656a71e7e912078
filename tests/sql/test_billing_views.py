# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What a billing system reads: numbered changes that nobody who keeps his place misses, months, resellers, tariffs."""

import concurrent.futures
import datetime
import decimal
import pathlib
import random
import re
import threading

import psycopg2
import pytest

from support.accounting import (INTERIM, START, STOP, account, at, authorise, durable, expire, into_history, new_key, packet,
                                provider, rows, value)
from support.login import rows_read

VIEWS = ("billing_subscriber", "billing_session", "billing_online", "billing_usage_day", "billing_usage_month",
         "billing_reseller_month")
MONTH_ENDS = 21 * 24 * 3600 + 12 * 3600  # of the tests' clock: midnight of April 1st, in UTC
DAY = 24 * 3600
MARCH, APRIL = datetime.date(2026, 3, 1), datetime.date(2026, 4, 1)
GB = 10**9


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


@pytest.fixture
def billing(database):
    return database.connect("poprad_billing")


def changes(billing, after=0, most=1000):
    """Number, revision and key of what comes behind that number."""
    return rows(billing, "select change_number, revision, session_key from poprad.billing_changes(%s, %s)", after, most)


def closed(connection, number, **values):
    """A session that has just ended. Returns its key."""
    key = authorise(connection, address=None)
    account(connection, packet(START, 5, class_key=key, acct_session_id=str(number)),
            packet(STOP, 100, class_key=key, acct_session_id=str(number), session_time=95, in_octets=10, **values))
    return key


def late(connection, key, number, **values):
    return account(connection, packet(STOP, 100, class_key=key, acct_session_id=str(number), session_time=95, **values))[0][0]


# Changes --------------------------------------------------------------------------------------------------------

def test_what_is_over_is_told_once(connection, billing):
    keys = [closed(connection, number) for number in range(3)]
    assert changes(billing) == [], "it may still be corrected within the hour"
    assert rows(billing, "select change_number, revision from poprad.billing_session") == [(None, None)] * 3
    assert into_history(connection) == 3
    told = changes(billing)
    assert [(number, revision) for number, revision, _ in told] == [(1, 1), (2, 1), (3, 1)]
    assert {key for _, _, key in told} == set(keys)
    assert changes(billing, 1, 1) == told[1:2] and changes(billing, 3) == []


def test_a_correction_is_told_again_and_a_repeat_is_not(connection, billing):
    first, second = closed(connection, 1), closed(connection, 2)
    into_history(connection)
    before = changes(billing)
    assert late(connection, first, 1, in_octets=10) == "repeat"
    account(connection, packet(INTERIM, 50, class_key=first, acct_session_id="1", session_time=45, in_octets=7))
    assert changes(billing) == before
    assert late(connection, first, 1, in_octets=11) == "recorded"
    assert [key for _, _, key in changes(billing)] == [second], "it waits for its number"
    assert value(billing, "select change_number is null and octets_in = 11 from poprad.billing_session where session_key = %s", first)
    assert value(connection, "select moved from poprad.move_closed(array[500])") == 1
    assert changes(billing) == [row for row in before if row[2] == second] + [(3, 2, first)]
    assert value(connection, "select moved from poprad.move_closed(array[500])") == 0


def test_a_session_that_lives_again_is_told_when_it_ends(connection, billing):
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key), packet(INTERIM, 65, class_key=key, session_time=60))
    expire(connection, key, 100)
    into_history(connection)
    assert changes(billing) == [(1, 1, key)]
    account(connection, packet(INTERIM, 7200, class_key=key, session_time=7195))
    assert changes(billing) == [] and rows(billing, "select * from poprad.billing_session") == []
    assert rows(billing, "select session_key, seconds from poprad.billing_online") == [(key, 7195)]
    account(connection, packet(STOP, 7300, class_key=key, session_time=7295))
    assert rows(billing, "select change_number, seconds from poprad.billing_session") == [(None, 7295)]
    into_history(connection)
    assert changes(billing) == [(2, 2, key)]


def test_what_nobody_ever_accounted_for_is_no_session(connection, billing):
    expire(connection, authorise(connection), 60)
    into_history(connection)
    assert changes(billing) == [] and rows(billing, "select * from poprad.billing_session") == []


def test_what_was_in_history_before_gets_numbers(connection, billing):
    for number in range(5):
        closed(connection, number)
    into_history(connection)
    rows(connection, """update poprad.session_history set change_number = null, revision = null""")
    assert [value(connection, "select moved from poprad.move_closed(array[2])") for _ in range(4)] == [2, 2, 1, 0]
    assert [number for number, _, _ in changes(billing)] == [6, 7, 8, 9, 10]


def test_one_at_a_time_gives_numbers_and_nobody_waits(connection, database, billing):
    closed(connection, 1), closed(connection, 2)
    rows(connection, "update poprad.session set closed_at = closed_at - interval '2 hours'")
    other = database.connect(autocommit=False)
    assert value(other, "select moved from poprad.move_closed(array[1])") == 1
    assert value(connection, "select moved from poprad.move_closed(array[500])") == 0
    other.rollback()
    assert value(connection, "select moved from poprad.move_closed(array[500])") == 2
    assert [number for number, _, _ in changes(billing)] == [1, 2]


def test_nobody_who_keeps_his_place_misses_a_change(connection, database):
    """Sessions end and are corrected, two nodes move them, somebody reads: in the end he knows what there is."""
    is_over = threading.Event()
    count, corrections = 60, 4

    def write(first, server):
        chance = random.Random(first)
        for number in range(first, first + count):
            durable(server, packet(STOP, 100, new_key=new_key(), login="nobody", acct_session_id=str(number), session_time=95))
        for _ in range(corrections * count):
            number = chance.randrange(first, first + count)
            durable(server, packet(chance.choice((STOP, INTERIM)), 100, login="nobody", acct_session_id=str(number),
                                   session_time=95, in_octets=chance.randrange(1000)))

    def move(server, administrator):
        while not is_over.is_set():
            rows(administrator, """
                update poprad.session set closed_at = now() - interval '2 hours' where session_key in (
                    select session_key from poprad.session where closed_at > now() - interval '1 hour' for update skip locked)""")
            value(server, "select moved from poprad.move_closed(array[7])")

    known, place = {}, 0

    def read(billing):
        nonlocal place
        for number, revision, key, octets in rows(billing, """
                select change_number, revision, session_key, octets_in from poprad.billing_changes(%s, 5)""", place):
            assert number > place, "in order"
            assert known.get(key, (0, 0, 0))[1] < revision
            known[key] = (number, revision, octets)
            place = number

    def read_on(billing):
        while not is_over.is_set():
            read(billing)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        movers = [pool.submit(move, database.connect("poprad_server"), database.connect()) for _ in range(2)]
        reader = pool.submit(read_on, database.connect("poprad_billing"))
        writers = [pool.submit(write, first, database.connect("poprad_server")) for first in (0, 1000)]
        try:
            for writer in writers:
                writer.result()
        finally:
            is_over.set()
        for other in [*movers, reader]:
            other.result()
    met = len(known)
    while into_history(connection):
        pass
    billing = database.connect("poprad_billing")
    for _ in range(count):
        read(billing)
    assert known == {key: (number, revision, octets) for key, number, revision, octets in rows(
        billing, "select session_key, change_number, revision, octets_in from poprad.billing_session")}
    assert len(known) == 2 * count
    assert met > 0 and max(revision for _, revision, _ in known.values()) > 2, "nothing was corrected: the test has shown nothing"


def test_reading_on_does_not_read_what_was_read(connection, database):
    for number in range(300):
        account(connection, packet(STOP, 100, login="nobody", acct_session_id=str(number),
                                   new_key=new_key(at(-40 * DAY * (number % 3)).timestamp())))
    assert into_history(connection) == 300
    rows(connection, "analyze")
    reader = database.connect("poprad_billing", autocommit=False)
    for after, most, expected in ((0, 10, 10), (150, 10, 10), (299, 10, 1), (300, 10, 0)):
        with reader.cursor() as cursor:
            before = rows_read(cursor)
            cursor.execute("select change_number from poprad.billing_changes(%s, %s)", (after, most))
            assert [number for number, in cursor.fetchall()] == list(range(after + 1, after + 1 + expected))
            assert rows_read(cursor) - before <= 3 * expected + 10, "what was read is not looked at again"
        reader.rollback()


def test_where_a_month_begins(connection, billing):
    assert value(connection, "select poprad.billing_first('2026-03-01')") == 0
    closed(connection, 1)
    into_history(connection)
    rows(connection, "insert into poprad.billing_day values ('2026-02-27', 10), ('2026-02-28', 20)")
    assert value(connection, "select poprad.billing_first('2026-03-01')") == 10
    assert value(connection, "select poprad.billing_first('2026-02-28')") == 0
    assert value(connection, "select last_number from poprad.billing_day where day = (now() at time zone 'UTC')::date") == 0


# Views ----------------------------------------------------------------------------------------------------------

def test_billing_reads_its_views_and_nothing_else(database):
    cursor = database.connect().cursor()
    cursor.execute("""select c.relname from pg_class c where c.relnamespace in ('poprad'::regnamespace, 'radius'::regnamespace)
                      and c.relkind in ('r', 'p', 'v', 'S', 'm')
                      and (has_any_column_privilege('poprad_billing', c.oid, 'select, insert, update, references')
                        or has_table_privilege('poprad_billing', c.oid, 'delete, truncate, trigger'))""")
    assert {name for name, in cursor.fetchall()} == set(VIEWS)
    cursor.execute("""select n from unnest(%s) n where has_table_privilege('poprad_billing', 'poprad.' || n, 'insert, update, delete')""",
                   [list(VIEWS)])
    assert cursor.fetchall() == []
    cursor.execute("""select p.proname from pg_proc p where p.pronamespace in ('poprad'::regnamespace, 'radius'::regnamespace)
                      and has_function_privilege('poprad_billing', p.oid, 'execute')""")
    assert {name for name, in cursor.fetchall()} == {
        "billing_changes", "billing_changes_part", "billing_first", "billing_newest", "billing_rate", "billing_rate_part"}
    cursor = database.connect("poprad_billing").cursor()
    for view in VIEWS:
        cursor.execute(f"select * from poprad.{view}")
        assert not {"password", "secret", "attributes"} & {column.name for column in cursor.description}
    cursor.execute("select * from poprad.billing_changes(0, 1)")
    cursor.execute("select * from poprad.billing_rate('2026-03-01')")


def test_the_manual_names_every_column(database):
    page = (pathlib.Path(__file__).parents[2] / "doc/operator/billing.md").read_text()
    tables = [set(re.findall(r"`(\w+)`", " ".join(line.split("|")[1] for line in table.splitlines()[2:])))
              for table in re.findall(r"(?:^\|.*\n)+", page, re.M) if table.startswith("| column")]
    cursor = database.connect().cursor()

    def columns(statement):
        cursor.execute(f"select * from {statement} limit 0")
        return {column.name for column in cursor.description}

    people, sessions, months, rated = tables
    assert columns("poprad.billing_subscriber") == people
    assert columns("poprad.billing_session") == columns("poprad.billing_changes(0, 1)") == sessions
    assert columns("poprad.billing_online") == sessions - {"change_number", "revision", "month", "acct_multi_session_id",
                                                           "stopped_at", "terminate_cause"} | {"updated_at"}
    assert columns("poprad.billing_usage_day") | columns("poprad.billing_usage_month") | columns(
        "poprad.billing_reseller_month") == months
    assert columns("poprad.billing_rate('2026-10-01')") == rated


def test_a_session_says_whose_it_is(connection, billing):
    rows(connection, "insert into poprad.nas (name, prefix, secret, kind) values ('bank', '10.0.3.0/24', 'secret', 'cisco')")
    rows(connection, "update poprad.realm set reseller = 'east'")
    rows(connection, "update poprad.subscriber set realm_id = 1")
    key = closed(connection, 1, terminate_cause="Idle-Timeout", framed_address="10.0.8.9")
    into_history(connection)
    row = rows(billing, """
        select session_key, month, login, realm, reseller, plan, user_name, nas, nas_address, acct_session_id, address, started_at,
            stopped_at, seconds, octets_in, octets_out, terminate_cause, flags from poprad.billing_changes(0, 9)""")
    assert row == [(key, MARCH, "demo@isp.example", "isp.example", "east", "dialup", "demo@isp.example", "bank", "10.0.3.1", "1",
                    "10.0.8.9", at(5), at(100), 95, 10, 0, "Idle-Timeout", "")]
    rows(connection, "delete from poprad.subscriber where login = 'demo@isp.example'")
    assert rows(billing, "select login, realm, reseller from poprad.billing_session") == [("demo@isp.example", "isp.example", "east")]
    assert rows(billing, "select login, realm, reseller from poprad.billing_usage_month") == [
        ("demo@isp.example", "isp.example", "east")]
    assert rows(billing, """select realm, reseller, plan, status, removed_at is not null from poprad.billing_subscriber
                            where login = any ('{demo@isp.example,many@isp.example}') order by login""") == [
        ("isp.example", "east", None, "removed", True), ("isp.example", "east", "unlimited", "active", False)]


@pytest.mark.parametrize("zone,month", [("UTC", MARCH), ("Europe/Berlin", APRIL), ("America/New_York", MARCH)])
def test_a_session_is_of_the_month_in_which_it_ends(connection, billing, zone, month):
    rows(connection, "update poprad.plan set time_zone = %s", zone)
    account(connection, packet(STOP, MONTH_ENDS - 60, session_time=3600))
    assert rows(billing, "select month from poprad.billing_session") == [(month,)]
    rows(connection, "delete from poprad.subscriber where login = 'demo@isp.example'")
    assert rows(billing, "select month from poprad.billing_session") == [(month,)]


def month_of(billing, month, view="billing_usage_month"):
    return rows(billing, f"""select plan, seconds, octets_in, octets_out, sessions from poprad.{view}
                             where month = %s order by plan""", month)


def test_a_month_is_what_its_days_are(connection, billing):
    """A session over the end of a month is of both, an open one counts, and each plan has its own row."""
    account(connection, packet(START, MONTH_ENDS - 3600),
            packet(INTERIM, MONTH_ENDS, session_time=3600, in_octets=36 * GB, out_octets=5, has_gigawords=True))
    account(connection, packet(STOP, MONTH_ENDS + 7200, session_time=3 * 3600, in_octets=37 * GB, out_octets=5, has_gigawords=True))
    into_history(connection)
    rows(connection, "update poprad.subscriber set plan_id = 2 where login = 'demo@isp.example'")
    account(connection, packet(START, MONTH_ENDS + 9000, acct_session_id="b"),
            packet(INTERIM, MONTH_ENDS + 9010, acct_session_id="b", session_time=10, in_octets=3))
    assert month_of(billing, MARCH) == [("dialup", 3600, 36 * GB, 5, 1)]
    assert month_of(billing, APRIL) == [("dialup", 7200, GB, 0, 0), ("unlimited", 10, 3, 0, 1)]
    for name in ("seconds", "octets_in", "octets_out", "sessions"):
        assert value(billing, f"select sum({name}) from poprad.billing_usage_day") == value(
            billing, f"select sum({name}) from poprad.billing_usage_month"), name


def test_a_resellers_month(connection, billing):
    rows(connection, "insert into poprad.realm (name, reseller) values ('west.example', 'west'), ('west-too.example', 'west')")
    for number, (login, realm) in enumerate((("a@west.example", 2), ("b@west-too.example", 3), ("demo@isp.example", 1))):
        rows(connection, """insert into poprad.subscriber (login, plan_id, password, realm_id) values (%s, 1, 'x', %s)
                            on conflict (login) do update set realm_id = excluded.realm_id""", login, realm)
        account(connection, packet(STOP, 100, login=login, acct_session_id=str(number), session_time=10 + number, in_octets=1))
    assert rows(billing, """select reseller, month, plan, subscribers, seconds, octets_in, octets_out, sessions
                            from poprad.billing_reseller_month order by reseller""") == [
        ("west", MARCH, "dialup", 2, 21, 2, 0, 2), (None, MARCH, "dialup", 1, 12, 1, 0, 1)]
    rows(connection, "delete from poprad.subscriber where login = 'a@west.example'")
    assert value(billing, "select subscribers from poprad.billing_reseller_month where reseller = 'west'") == 2


def test_a_month_is_found_by_an_index(connection):
    rows(connection, """insert into poprad.usage_day select n %% 50, '2025-01-01'::date + n / 50, 1, 1, 1, 1, 1
                        from generate_series(0, 49999) n""")
    rows(connection, "vacuum analyze poprad.usage_day")
    plan = "\n".join(line for line, in rows(connection, """
        explain select * from poprad.billing_usage_month where month = '2026-03-01'"""))
    assert "usage_day_month" in plan and "Seq Scan on usage_day" not in plan, plan


# Tariffs --------------------------------------------------------------------------------------------------------

def tariff(connection, plan=1, since=MARCH, **values):
    made = dict(plan_id=plan, since=since, currency="EUR", included_s=0, time_unit_s=3600, time_price=None, included_octets=0,
                volume_unit=GB, volume_price=None)
    made.update(values)
    rows(connection, f"insert into poprad.tariff ({', '.join(made)}) values ({', '.join(['%s'] * len(made))})", *made.values())


def lines(billing, month):
    return rows(billing, """select login, plan, kind, used, included, unit, units, price, currency, amount
                            from poprad.billing_rate(%s)""", month)


def test_a_worked_month(connection, billing):
    """As doc/operator/billing.md works it out by hand."""
    number = decimal.Decimal
    tariff(connection, 1, included_s=20 * 3600, time_unit_s=60, time_price="0.02", included_octets=5 * GB, volume_unit=10**8,
           volume_price="0.005")
    tariff(connection, 2, time_price="0")
    # 25 h 30 min 1 s and 7,250,000,001 octets with dialup, over three sessions
    for name, when, seconds, octets_in, octets_out in (("a", 10 * DAY, 36000, 250 * 10**6, 4 * GB),
                                                       ("b", 12 * DAY, 50400, 0, 3 * GB), ("c", 14 * DAY, 5401, 0, 1)):
        account(connection, packet(STOP, when, acct_session_id=name, session_time=seconds, in_octets=octets_in,
                                   out_octets=octets_out, has_gigawords=True))
    into_history(connection)
    rows(connection, "update poprad.subscriber set plan_id = 2 where login = 'demo@isp.example'")
    account(connection, packet(STOP, 16 * DAY, acct_session_id="d", session_time=3601, in_octets=9))
    assert lines(billing, MARCH) == [
        ("demo@isp.example", "dialup", "time", 91801, 72000, 60, 331, number("0.02"), "EUR", number("6.62")),
        ("demo@isp.example", "dialup", "volume", 7250000001, 5 * GB, 10**8, 23, number("0.005"), "EUR", number("0.115")),
        ("demo@isp.example", "unlimited", "time", 3601, 0, 3600, 2, number("0"), "EUR", number("0")),
        ("demo@isp.example", "unlimited", "volume", 9, 0, GB, None, None, "EUR", None)]
    assert lines(billing, APRIL) == []


def test_the_tariff_of_the_month_counts(connection, billing):
    rows(connection, "update poprad.subscriber set plan_id = 2 where login = 'demo@isp.example'")
    tariff(connection, 2, since=APRIL, time_price="3")
    account(connection, packet(STOP, 100, session_time=1))
    account(connection, packet(STOP, MONTH_ENDS + 100, acct_session_id="b", session_time=1))
    assert [line[2:] for line in lines(billing, MARCH)] == [
        ("time", 1, None, None, None, None, None, None), ("volume", 0, None, None, None, None, None, None)]
    assert [line[-1] for line in lines(billing, APRIL)] == [3, None]
    tariff(connection, 2, since=MARCH, time_price="2")
    tariff(connection, 2, since=datetime.date(2026, 5, 1), time_price="4")
    assert [lines(billing, month)[0][-1] for month in (MARCH, APRIL)] == [2, 3]


@pytest.mark.parametrize("used,included,unit,units", [
    (0, 0, 1, 0), (10, 10, 1, 0), (9, 10, 1, 0), (11, 10, 1, 1), (11, 10, 60, 1), (70, 10, 60, 1), (71, 10, 60, 2),
    (10**38 - 1, 0, 10**18, 10**20), (10**38, 10**38 - 1, 10**18, 1), (10**30 + 1, 0, 10**12, 10**18 + 1)])
def test_every_unit_that_is_begun_counts(connection, used, included, unit, units):
    assert value(connection, "select poprad.billing_units(%s, %s, %s)", used, included, unit) == units


def test_parts_are_the_whole(connection, database, billing):
    tariff(connection, time_price="1")
    for number, login in enumerate(("demo@isp.example", "other@isp.example", "many@isp.example", "static@isp.example")):
        account(connection, packet(STOP, 100, login=login, acct_session_id=str(number), session_time=number))
        if number % 2:
            into_history(connection)
    operator, after, parts = database.connect("poprad_operator"), 0, []
    while (upto := value(operator, "select poprad.billing_rate_part(%s, %s, 3)", MARCH, after)) is not None:
        parts += rows(operator, "select * from poprad.billing_rate(%s, %s, %s)", MARCH, after, upto)
        after = upto
    assert parts == rows(billing, "select * from poprad.billing_rate(%s)", MARCH) and len(parts) == 8


@pytest.mark.parametrize("wrong", [dict(currency="euro"), dict(since=datetime.date(2026, 3, 2)), dict(time_price="-1"),
                                   dict(time_price="0.0000001"), dict(time_price="NaN"), dict(volume_unit=0)])
def test_a_tariff_that_makes_no_sense_is_refused(connection, wrong):
    with pytest.raises(psycopg2.errors.CheckViolation):
        tariff(connection, **wrong)
