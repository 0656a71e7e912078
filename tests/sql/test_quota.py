# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What find() says that a subscriber has used of his quotas."""

import datetime
import json
import zoneinfo

import pytest

from support.accounting import EPOCH, INTERIM, START, STOP, account, into_history, packet, provider, rows, value

ZONE = zoneinfo.ZoneInfo("Europe/Berlin")


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    rows(made, "update poprad.plan set time_zone = 'Europe/Berlin', quota_day_s = 3600 where plan_id = 1")
    return made


def used(connection, login="demo@isp.example"):
    document = value(connection, "select policy from poprad.find_metered(array[%s])", login)
    return document and json.loads(document).get("quota_used")


def midnight(days=0):
    """Of today and there, on the tests' clock."""
    today = datetime.datetime.now(ZONE).date() + datetime.timedelta(days=days)
    return datetime.datetime.combine(today, datetime.time(0), tzinfo=ZONE).timestamp() - EPOCH.timestamp()


def month_begin(months=0):
    today = datetime.datetime.now(ZONE).date()
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    return datetime.datetime(year, month + 1, 1, tzinfo=ZONE).timestamp() - EPOCH.timestamp()


def test_who_has_none_is_told_nothing(connection):
    assert used(connection, "many@isp.example") is None
    rows(connection, "insert into poprad.subscriber_policy (subscriber_id, session_limit) values (3, 2)")
    assert value(connection, "select policy from poprad.find_metered(array['many@isp.example'])") == '{"session_limit": 2}'


def test_nothing_used_yet(connection):
    day_ends, month_ends = midnight(1) + EPOCH.timestamp(), month_begin(1) + EPOCH.timestamp()
    assert used(connection) == [0, 0, 0, day_ends, 0, 0, 0, month_ends]
    rows(connection, "insert into poprad.subscriber_policy (subscriber_id, session_limit) values (1, 2)")
    document = json.loads(value(connection, "select policy from poprad.find_metered(array['demo@isp.example'])"))
    assert document == {"session_limit": 2, "quota_used": [0, 0, 0, day_ends, 0, 0, 0, month_ends]}


@pytest.mark.parametrize("column", ["quota_day_s", "quota_day_octets", "quota_month_s", "quota_month_octets"])
def test_one_of_his_own(connection, column):
    rows(connection, f"insert into poprad.subscriber_policy (subscriber_id, {column}) values (3, 1)")
    assert used(connection, "many@isp.example")[:3] == [0, 0, 0]


def test_booked_and_open_sessions_together(connection):
    """Yesterday's part of a session over midnight is not of today, but it is of the month unless that has begun today."""
    turn = midnight()
    common = dict(acct_session_id="over")
    account(connection, packet(START, turn - 100, **common))
    account(connection, packet(INTERIM, turn + 100, session_time=200, in_octets=20, out_octets=40, **common))
    account(connection, packet(START, turn + 10, acct_session_id="closed"))
    account(connection, packet(STOP, turn + 40, session_time=30, in_octets=7, out_octets=8, acct_session_id="closed"))
    before = (0, 0, 0) if month_begin() == turn else (100, 10, 20)
    today = (130, 17, 28)
    for move in (lambda: None, lambda: into_history(connection)):
        move()
        found = used(connection)
        assert tuple(found[:3]) == today
        assert tuple(found[4:7]) == tuple(a + b for a, b in zip(before, today))


def test_what_nobody_can_count_fits(connection):
    for name in ("a", "b", "c"):
        account(connection, packet(STOP, midnight() + 50, acct_session_id=name, session_time=10, in_octets=2**63 - 1,
                                   has_gigawords=True))
    found = used(connection)
    assert found[:3] == [30, 2**63 - 1, 0]


def prepaid(connection):
    return json.loads(value(connection, "select policy from poprad.find_metered(array['demo@isp.example'])"))["prepaid_left"]


def topup(connection, seconds, octets):
    rows(connection, "select poprad.subscriber_topup('demo@isp.example', %s, %s, 'voucher')", seconds, octets)


def test_prepaid_is_what_was_bought_less_what_was_used_since(connection):
    rows(connection, "update poprad.plan set quota_day_s = 0, prepaid = true where plan_id = 1")
    account(connection, packet(START, -100000, acct_session_id="old"))
    account(connection, packet(INTERIM, -50000, session_time=50000, in_octets=700, out_octets=70, acct_session_id="old"))
    assert prepaid(connection) == [-1, -1]
    topup(connection, 1000, 0)
    assert prepaid(connection) == [1000, -1]
    account(connection, packet(INTERIM, -49900, session_time=50100, in_octets=800, out_octets=80, acct_session_id="old"))
    assert prepaid(connection) == [900, -1]
    topup(connection, 0, 500)
    assert prepaid(connection) == [900, 500]
    account(connection, packet(STOP, 50000, session_time=150000, in_octets=900, out_octets=90, acct_session_id="old"))
    assert prepaid(connection) == [0, 390]
    into_history(connection)
    assert prepaid(connection) == [0, 390]
    rows(connection, "update poprad.plan set quota_counts = 'out'")
    assert prepaid(connection) == [0, 490]
    topup(connection, 100000, 10)
    assert prepaid(connection) == [1000, 500]
    assert rows(connection, "select seconds, octets, reason from poprad.topup order by 1, 2") == [
        (0, 500, "voucher"), (1000, 0, "voucher"), (100000, 10, "voucher")]
    assert value(connection, "select count(*) from ((table poprad.usage_month except select subscriber_id, "
                             "date_trunc('month', day), sum(seconds), sum(octets_in), sum(octets_out) "
                             "from poprad.usage_day group by 1, 2)) t") == 0


def test_the_state_of_each_quota(connection):
    rows(connection, """update poprad.plan set quota_month_octets = 1000, quota_counts = 'out' where plan_id = 1;
        insert into poprad.subscriber_policy (subscriber_id, quota_day_s) values (1, 60)""")
    account(connection, packet(STOP, midnight() + 50, session_time=50, in_octets=5, out_octets=600))
    found = value(connection, """
        select poprad.quota_state(s, p, o) from poprad.subscriber s join poprad.plan p using (plan_id)
        left join poprad.subscriber_policy o using (subscriber_id) where s.subscriber_id = 1""")
    assert [(one["period"], one["what"], one["quota"], one["used"]) for one in found] == [
        ("day", "seconds", 60, 50), ("month", "octets", 1000, 600)]
    assert found[0]["full_again_at"] <= found[1]["full_again_at"]
