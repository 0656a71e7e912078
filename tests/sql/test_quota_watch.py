# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Sessions whose subscriber has used up a quota are flagged with the record that shows it."""

import random

import pytest

from support.accounting import INTERIM, START, STOP, account, packet, provider, rows, value
from test_quota import midnight

OWNER, LOGIN = 1, "demo@isp.example"


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    rows(made, "update poprad.plan set time_zone = 'Europe/Berlin'")
    return made


def limit(connection, **columns):
    """Quotas of the subscriber's own."""
    rows(connection, f"""insert into poprad.subscriber_policy (subscriber_id, {', '.join(columns)}) values
        (1, {', '.join('%s' for _ in columns)})""", *columns.values())


class Line:
    """A session of the subscriber with what it has counted."""

    def __init__(self, connection, name, began):
        self.connection, self.name, self.began = connection, name, began
        self.seconds = self.octets_in = self.octets_out = 0
        self.first = self.send(START)

    def send(self, status, seconds=0, octets_in=0, octets_out=0):
        """Counts that much more and says so. The verdict."""
        self.seconds += seconds
        self.octets_in += octets_in
        self.octets_out += octets_out
        counters = {} if status == START else dict(session_time=self.seconds, in_octets=self.octets_in,
                                                   out_octets=self.octets_out)
        return account(self.connection, packet(status, self.began + self.seconds, acct_session_id=self.name, **counters))[0][0]

    def is_flagged(self):
        return value(self.connection, "select 'over_quota' = any (flags) from poprad.session where acct_session_id = %s", self.name)


def test_nobody_has_a_quota(connection):
    assert value(connection, "select has_quotas from poprad.catalog_version") is False
    line = Line(connection, "a", midnight() + 10)
    assert line.send(INTERIM, 5000, 10**12) == "recorded"
    assert rows(connection, "select quota_at_s, quota_at_in, quota_at_out, flags from poprad.session") == [(None, None, None, [])]


def test_the_catalog_says_whether_anybody_has_one(connection):
    def version():
        return value(connection, "select version from poprad.catalog_version")
    before = version()
    limit(connection, session_limit=2)
    assert version() == before
    rows(connection, "update poprad.subscriber_policy set quota_month_s = 5")
    assert version() == before + 1 and value(connection, "select has_quotas from poprad.catalog_version")
    rows(connection, "update poprad.subscriber_policy set quota_month_s = 6")
    assert version() == before + 1
    rows(connection, "update poprad.plan set prepaid = true")
    assert value(connection, "select poprad.catalog()->'has_quotas'") is True


@pytest.mark.parametrize("quota, steps", [
    ({"quota_day_s": 1000}, [(600, 9, 9), (400, 9, 9)]),
    ({"quota_month_s": 1000}, [(600, 9, 9), (400, 9, 9)]),
    ({"quota_day_octets": 1000}, [(10, 500, 499), (10, 1, 0)]),
    ({"quota_month_octets": 1000, "quota_counts": "in"}, [(10, 999, 9999), (10, 1, 0)]),
    ({"quota_month_octets": 1000, "quota_counts": "out"}, [(10, 9999, 999), (10, 0, 1)])])
def test_the_record_that_reaches_it_flags(connection, quota, steps):
    limit(connection, **quota)
    line = Line(connection, "a", midnight() + 10)
    assert line.send(INTERIM, *steps[0]) == "recorded" and not line.is_flagged()
    assert line.send(INTERIM, *steps[1]) == "over_quota" and line.is_flagged()
    assert line.send(INTERIM, 1) == "recorded" and line.is_flagged(), "flagged once"


def test_what_is_bought_takes_the_flag_away(connection):
    rows(connection, "update poprad.plan set prepaid = true")
    line = Line(connection, "a", midnight() + 10)
    assert line.first == "over_quota", "nothing was ever bought"
    rows(connection, f"select poprad.subscriber_topup('{LOGIN}', 100, 0, 'voucher')")
    assert line.send(INTERIM, 10) == "recorded" and not line.is_flagged()
    assert line.send(INTERIM, 100) == "over_quota"


def test_a_quota_that_comes_later_is_seen_with_the_next_record(connection):
    line = Line(connection, "a", midnight() + 10)
    line.send(INTERIM, 500)
    limit(connection, quota_day_s=400)
    assert line.send(INTERIM, 1) == "over_quota"
    rows(connection, "update poprad.subscriber_policy set quota_day_s = 4000")
    assert line.send(INTERIM, 1) == "recorded" and not line.is_flagged()


def test_an_end_that_uses_up_the_quota_shows_with_the_next_record_of_another(connection):
    limit(connection, quota_day_s=1000, session_limit=2)
    one, other = Line(connection, "a", midnight() + 10), Line(connection, "b", midnight() + 10)
    one.send(INTERIM, 10)
    other.send(INTERIM, 10)
    assert one.send(STOP, 5000) == "recorded"
    assert other.send(INTERIM, 1) == "over_quota"


@pytest.mark.parametrize("seed", range(6))
def test_no_record_of_any_session_passes_the_quota_unseen(connection, seed):
    """Whatever several sessions count and in whichever order they report: with each record the flag of its session says
    whether all together have used up the quota."""
    order = random.Random(seed)
    quota_s, quota_octets = order.choice([(4000, 0), (0, 10000), (4000, 10000)])
    limit(connection, quota_day_s=quota_s, quota_month_octets=quota_octets, session_limit=order.choice([0, 3]))
    lines = [Line(connection, str(number), midnight() + 60) for number in range(3)]
    ended = []
    for number in range(40):
        line = order.choice(lines)
        status = STOP if order.random() < 0.04 and len(lines) > 1 else INTERIM
        line.send(status, order.choice([1, 40, 300]), order.choice([0, 50, 400]), order.choice([0, 50, 400]))
        everyone = lines + ended
        is_over = (0 < quota_s <= sum(one.seconds for one in everyone)
                   or 0 < quota_octets <= sum(one.octets_in + one.octets_out for one in everyone))
        if status == INTERIM:
            assert line.is_flagged() == is_over, f"record {number}"
        else:
            lines.remove(line)
            ended.append(line)
            lines.append(Line(connection, f"more-{number}", midnight() + 60))
