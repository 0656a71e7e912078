# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What was used on which day: the days and what is not booked yet always add up to what the sessions have counted."""

import datetime
import random
import threading
import zoneinfo

import psycopg2
import pytest

from support.accounting import (EPOCH, INTERIM, START, STOP, account, authorise, durable, expire, into_history, new_key,
                                packet, provider, rows, value)
from support.login import double_leases
from test_account_interim import account_interim

LOGINS = ("demo@isp.example", "other@isp.example", "many@isp.example", "nobody")
MIDNIGHT = 12 * 3600  # of the tests' clock, in UTC
DAY = 24 * 3600
TOTALS = """
    with total as (
        select subscriber_id, sum(session_time) as seconds, sum(in_octets) as octets_in, sum(out_octets) as octets_out,
            count(*) as sessions
        from (select * from poprad.session union all select * from poprad.session_history) s
        where subscriber_id is not null and updated_at is not null
        group by subscriber_id
    ), used as (
        select subscriber_id, sum(seconds) as seconds, sum(octets_in) as octets_in, sum(octets_out) as octets_out,
            sum(sessions) as sessions
        from poprad.usage group by subscriber_id
    )
    (select * from total except select * from used) union all (select * from used except select * from total)"""


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


def usage(connection, login="demo@isp.example"):
    """Of each day: seconds, octets in and out, sessions."""
    return {day.isoformat(): (int(seconds), int(octets_in), int(octets_out), int(count))
            for day, seconds, octets_in, octets_out, count in rows(connection, """
                select day, sum(seconds), sum(octets_in), sum(octets_out), sum(sessions) from poprad.usage
                where subscriber_id = (select subscriber_id from poprad.subscriber where login = %s)
                group by day having (sum(seconds), sum(octets_in), sum(octets_out), sum(sessions)) <> (0, 0, 0, 0)
                order by day""", login)}


def booked(connection):
    return value(connection, "select count(*) from poprad.usage_day")


def test_a_day_is_booked_when_the_next_one_begins(connection):
    key = authorise(connection)
    account(connection, packet(START, MIDNIGHT - 7200, class_key=key))
    account(connection, packet(INTERIM, MIDNIGHT - 600, class_key=key, session_time=6600, in_octets=100, out_octets=50))
    assert booked(connection) == 0
    assert usage(connection) == {"2026-03-10": (6600, 100, 50, 1)}
    account(connection, packet(INTERIM, MIDNIGHT + 300, class_key=key, session_time=7500, in_octets=400, out_octets=51))
    assert booked(connection) == 1
    assert usage(connection) == {"2026-03-10": (7200, 300, 50, 1), "2026-03-11": (300, 100, 1, 0)}
    account(connection, packet(STOP, MIDNIGHT + 900, class_key=key, session_time=8100, in_octets=500, out_octets=60))
    into_history(connection)
    assert booked(connection) == 2
    assert usage(connection) == {"2026-03-10": (7200, 300, 50, 1), "2026-03-11": (900, 200, 10, 0)}


@pytest.mark.parametrize("has_start", [True, False])
def test_one_record_for_several_days(connection, has_start):
    key = authorise(connection)
    if has_start:
        account(connection, packet(START, MIDNIGHT - 3600, class_key=key))
    account(connection, packet(STOP, MIDNIGHT + DAY + 3600, class_key=key, session_time=DAY + 7200, in_octets=26000))
    expected = {"2026-03-10": (3600, 1000, 0, 1), "2026-03-11": (DAY, 24000, 0, 0), "2026-03-12": (3600, 1000, 0, 0)}
    assert usage(connection) == expected
    into_history(connection)
    assert usage(connection) == expected


def test_a_stop_alone_is_split_when_it_moves(connection):
    account(connection, packet(STOP, MIDNIGHT + 3600, session_time=7200, in_octets=10, out_octets=7))
    into_history(connection)
    assert usage(connection) == {"2026-03-10": (3600, 5, 3, 1), "2026-03-11": (3600, 5, 4, 0)}


def test_the_short_way_leaves_the_first_record_of_a_day_to_the_long_one(connection):
    account(connection, packet(START, 10, fingerprint=7))
    common = dict(fingerprint=7, in_octets=10)
    assert account_interim(connection, packet(INTERIM, MIDNIGHT - 1, session_time=100, **common)) == [1]
    late = packet(INTERIM, MIDNIGHT, session_time=101, **common)
    assert account_interim(connection, late) == []
    assert account(connection, late)[0][0] == "recorded"
    assert account_interim(connection, packet(INTERIM, MIDNIGHT + 1, session_time=102, **common)) == [1]
    assert account(connection, late)[0][0] == "repeat"
    assert usage(connection) == {"2026-03-10": (101, 10, 0, 1), "2026-03-11": (1, 0, 0, 0)}


@pytest.mark.parametrize("zone,first,second", [
    ("Europe/Berlin", "2026-03-29", "2026-03-30"), ("America/New_York", "2026-03-08", "2026-03-09"),
    ("Asia/Kolkata", "2026-06-01", "2026-06-02"), ("Pacific/Chatham", "2026-04-05", "2026-04-06")])
@pytest.mark.parametrize("is_own", [True, False])
def test_days_are_those_of_the_subscribers_clock(connection, zone, first, second, is_own):
    """Days of 23 and 25 hours too."""
    if is_own:
        rows(connection, "insert into poprad.subscriber_policy (subscriber_id, time_zone) values (1, %s)", zone)
    else:
        rows(connection, "update poprad.plan set time_zone = %s", zone)
    begins, turns, ends = (
        datetime.datetime.combine(datetime.date.fromisoformat(first) + datetime.timedelta(days=days), datetime.time(0),
                                  tzinfo=zoneinfo.ZoneInfo(zone)).timestamp() - EPOCH.timestamp() for days in range(3))
    account(connection, packet(START, begins))
    length = int(ends - begins)
    account(connection, packet(STOP, ends - 1, session_time=length - 1, in_octets=length - 1))
    day = int(turns - begins)
    assert usage(connection) == {first: (day, day, 0, 1), second: (length - 1 - day, length - 1 - day, 0, 0)}


def test_a_zone_that_nobody_knows_is_refused(connection):
    for statement in ("update poprad.plan set time_zone = 'Nowhere/Land'",
                      "insert into poprad.subscriber_policy (subscriber_id, time_zone) values (1, 'Nowhere/Land')"):
        with pytest.raises(psycopg2.errors.CheckViolation):
            rows(connection, statement)


def test_who_is_no_subscriber_is_not_booked(connection):
    account(connection, packet(START, 0, login="nobody"))
    account(connection, packet(STOP, DAY, login="nobody", session_time=DAY))
    into_history(connection)
    assert value(connection, "select count(*) from poprad.usage") == 0


def test_counters_beyond_any_sum(connection):
    for name in ("a", "b", "c"):
        account(connection, packet(STOP, 100, acct_session_id=name, session_time=10, in_octets=2**63 - 1,
                                   has_gigawords=True))
    into_history(connection)
    assert usage(connection) == {"2026-03-10": (30, 3 * (2**63 - 1), 0, 3)}


def test_sessions_of_an_earlier_version(connection):
    """Nothing is known of their days: what they had counted is spread over all of their time."""
    account(connection, packet(START, MIDNIGHT - 3600))
    account(connection, packet(INTERIM, MIDNIGHT - 1800, session_time=1800, in_octets=1800))
    rows(connection, "update poprad.session set day_ends = null")
    account(connection, packet(INTERIM, MIDNIGHT + 3600, session_time=7200, in_octets=7200))
    assert usage(connection) == {"2026-03-10": (3600, 3600, 0, 1), "2026-03-11": (3600, 3600, 0, 0)}


def test_a_late_record_adds_to_what_history_has_booked(connection):
    key = authorise(connection)
    account(connection, packet(START, 0, class_key=key))
    account(connection, packet(INTERIM, 600, class_key=key, session_time=600, in_octets=10))
    expire(connection, key, 700)
    into_history(connection)
    account(connection, packet(STOP, MIDNIGHT + 600, class_key=key, session_time=MIDNIGHT + 600, in_octets=50))
    assert rows(connection, TOTALS) == []
    assert usage(connection) == {"2026-03-10": (MIDNIGHT, 49, 0, 1), "2026-03-11": (600, 1, 0, 0)}


def life(chance, login):
    """The packets of a session, of some hours or days."""
    key, name = new_key(), f"{chance.randrange(4):08}"
    when = chance.randrange(5 * DAY)
    begun, counted, made = when, [0, 0], []
    common = dict(acct_session_id=name, login=login, nas_port=chance.randrange(2), fingerprint=chance.randrange(2))
    if chance.random() < 0.8:
        made.append(packet(START, when, **common))
    for status in [INTERIM] * chance.randrange(6) + [STOP] * (chance.random() < 0.8):
        when += chance.choice((1, 600, 3600, DAY // 3, 3 * DAY))
        counted = [count + chance.choice((0, 1, 999, 2**31, 5 * 2**32)) for count in counted]
        has_gigawords = chance.random() < 0.7
        sent = [count if has_gigawords else count % 2**32 for count in counted]
        made.append(packet(status, when, session_time=None if chance.random() < 0.1 else when - begun, in_octets=sent[0],
                           out_octets=sent[1], has_gigawords=has_gigawords, **common))
    return [{**one, "new_key": key} for one in made]


@pytest.mark.parametrize("seed", range(12))
def test_days_add_up_to_the_sessions(connection, seed):
    """Records that are lost, late, early and repeated, in batches of any size; sessions close, expire, move and come back."""
    chance = random.Random(seed)
    zones = chance.sample(("UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"), 3)
    rows(connection, "update poprad.plan set time_zone = case plan_id when 1 then %s else %s end", *zones[:2])
    rows(connection, "insert into poprad.subscriber_policy (subscriber_id, time_zone) values (2, %s)", zones[2])
    packets = [one for _ in range(12) for one in life(chance, chance.choice(LOGINS)) if chance.random() < 0.9]
    packets += chance.sample(packets, len(packets) // 3)
    if seed % 3:
        packets.sort(key=lambda one: one["event_at"] + datetime.timedelta(seconds=chance.choice((0, 0, 0, DAY, 3 * DAY))))
    else:
        chance.shuffle(packets)
    while packets:
        size = chance.choice((1, 1, 2, 5))
        batch, packets = packets[:size], packets[size:]
        if all(one["status"] == INTERIM for one in batch):
            written = account_interim(connection, *batch)
            batch = [one for place, one in enumerate(batch, 1) if place not in written]
        if batch:
            durable(connection, *batch)
        assert rows(connection, TOTALS) == []
        event = chance.random()
        if event < 0.1:
            into_history(connection)
        elif event < 0.2:
            for key, in rows(connection, "select session_key from poprad.session where state = 'active' limit 1"):
                expire(connection, key, chance.randrange(5 * DAY), rank=chance.choice((1, 2, 3)))
        elif event < 0.25:
            rows(connection, "update poprad.plan set time_zone = %s where plan_id = 1", chance.choice(zones))
        assert rows(connection, TOTALS) == []
    rows(connection, "update poprad.session set state = 'closed', closed_at = now(), stopped_at = updated_at, cause_rank = 3")
    into_history(connection)
    assert rows(connection, TOTALS) == []
    assert value(connection, "select count(*) from poprad.session") == 0
    assert value(connection, "select bool_and(seconds >= 0 and octets_in >= 0 and octets_out >= 0 and sessions >= 0) "
                             "is not false from poprad.usage_day")
    assert double_leases(connection.cursor()) == []


def test_workers_that_book_the_same_days(database, connection):
    """Records of the same sessions, of several subscribers and days, in several workers at once, while others move."""
    failures = []

    def work(seed):
        chance = random.Random(seed)
        made = database.connect("poprad_server")
        try:
            for day in range(1, 5):
                batch = [packet(INTERIM, day * DAY + chance.randrange(600), acct_session_id=str(name), login=login,
                                session_time=day * DAY, in_octets=day * 1000 + chance.randrange(9))
                         for name in range(3) for login in LOGINS]
                chance.shuffle(batch)
                durable(made, *batch)
                if seed == 0:
                    into_history(connection)
        except psycopg2.Error as error:
            failures.append(error)

    account(connection, *[packet(START, 0, acct_session_id=str(name), login=login) for name in range(3) for login in LOGINS])
    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert rows(connection, TOTALS) == []
    assert value(connection, "select sum(sessions) from poprad.usage") == 9
