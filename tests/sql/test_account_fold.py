# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Accounting packets of one session fold into one row, in whatever order and how often they come."""

import itertools

import pytest

from support.accounting import (INTERIM, START, STOP, account, at, authorise, expire, holder, new_key, packet, provider,
                                rows, session, sessions, value)

LAST = 2**63 - 1


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


def story(**identity):
    """A whole session: Start, two interims, Stop."""
    return [
        packet(START, 10, nas_port=7, connect_info="56000 V.90", **identity),
        packet(INTERIM, 610, session_time=600, in_octets=1000, out_octets=5000, in_packets=10, out_packets=20,
               nas_port=7, framed_address="10.0.8.1", **identity),
        packet(INTERIM, 1210, session_time=1200, in_octets=3000, out_octets=9000, in_packets=30, out_packets=40,
               nas_port=7, framed_address="10.0.8.1", **identity),
        packet(STOP, 1310, session_time=1300, in_octets=3100, out_octets=9900, in_packets=31, out_packets=49,
               nas_port=7, framed_address="10.0.8.1", terminate_cause="User-Request", connect_info="31200", **identity),
    ]


# What may depend on the order: our own clock's times, the key of a session we did not authorise, and whether its
# address was leased before it stopped.
OURS = {"session_key", "closed_at", "is_history", "address"}
OURS |= {"day_ends", "booked_seconds", "booked_in", "booked_out"}  # what is booked when depends on the order


def essence(row):
    return {name: row[name] for name in row if name not in OURS}


@pytest.mark.parametrize("knows_class", [True, False])
def test_every_order_gives_the_same_row(connection, knows_class):
    seen = []
    for number, order in enumerate(itertools.permutations(range(4))):
        name = f"{number:08x}"
        key = authorise(connection, login="many@isp.example", address=None, acct_session_id=None) if knows_class else None
        packets = story(login="many@isp.example", acct_session_id=name, class_key=key)
        for place in order:
            account(connection, packets[place])
        made = [s for s in sessions(connection) if s["acct_session_id"] == name]
        assert len(made) == 1
        seen.append({**essence(made[0]), "acct_session_id": None, "class": None})
    assert all(row == seen[0] for row in seen)
    assert (seen[0]["state"], seen[0]["session_time"], seen[0]["in_octets"], seen[0]["out_packets"],
            seen[0]["terminate_cause"], seen[0]["connect_info_start"], seen[0]["connect_info_stop"]) == (
        "closed", 1300, 3100, 49, "User-Request", "56000 V.90", "31200")
    assert seen[0]["flags"] == []


def test_each_of_two_interims_in_one_batch_is_recorded(connection):
    key = authorise(connection)
    one = dict(class_key=key, nas_port=7, framed_address="10.0.8.1")
    account(connection, packet(START, 10, **one), packet(INTERIM, 70, session_time=60, in_octets=5, **one))
    interims = [packet(INTERIM, 10 + n, session_time=n, in_octets=n, **one) for n in (120, 180)]
    assert [verdict for verdict, _, _ in account(connection, *interims)] == ["recorded", "recorded"]
    assert [verdict for verdict, _, _ in account(connection, *interims)] == ["repeat", "repeat"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_every_order_in_one_batch(connection, order):
    packets = story(login="nobody", acct_session_id="a")
    verdicts = account(connection, *[packets[place] for place in order], *packets)
    assert [verdict for verdict, _, _ in verdicts[4:]] == ["repeat"] * 4
    (made,) = sessions(connection)
    assert made["state"] == "closed" and made["cause_rank"] == 4
    assert (made["started_at"], made["stopped_at"], made["updated_at"]) == (
        at(10).isoformat(), at(1310).isoformat(), at(1310).isoformat())
    assert made["subscriber_id"] is None and made["user_name"] == "nobody"
    assert (made["session_time"], made["in_octets"], made["out_octets"]) == (1300, 3100, 9900)


def test_a_repeated_batch_writes_nothing(connection):
    key = authorise(connection)
    batch = [packet(START, 5, class_key=key), packet(INTERIM, 30, login="other@isp.example", acct_session_id="x"),
             packet(STOP, 40, login="nobody", acct_session_id="y", session_time=9),
             packet(START, 6, login="other@isp.example", acct_session_id="")]
    assert [verdict for verdict, _, _ in account(connection, *batch)] == ["recorded"] * 4
    before = sessions(connection)
    versions = rows(connection, "select ctid, xmin from poprad.session order by 1")
    assert [verdict for verdict, _, _ in account(connection, *batch)] == ["repeat"] * 4
    assert sessions(connection) == before
    assert rows(connection, "select ctid, xmin from poprad.session order by 1") == versions


def test_a_retransmission_with_another_key_finds_the_session(connection):
    first = packet(START, 5, login="nobody")
    account(connection, first)
    assert account(connection, {**first, "new_key": new_key()}) == [("repeat", None, None)]
    assert len(sessions(connection)) == 1


def test_a_late_repeat_only_touches_last_heard(connection):
    key = authorise(connection)
    heartbeat = packet(INTERIM, 100, class_key=key, session_time=90)
    account(connection, heartbeat)
    assert account(connection, {**heartbeat, "received_at": at(125)})[0][0] == "repeat"
    assert account(connection, {**heartbeat, "received_at": at(135)})[0][0] == "recorded"
    made = session(connection, key)
    assert made["last_heard"] == at(135).isoformat() and made["updated_at"] == at(100).isoformat()


def test_a_heartbeat_without_news_is_recorded(connection):
    key = authorise(connection)
    account(connection, packet(INTERIM, 100, class_key=key, session_time=90))
    assert account(connection, packet(INTERIM, 110, class_key=key, session_time=90))[0][0] == "recorded"
    assert session(connection, key)["last_heard"] == at(110).isoformat()


def test_an_interim_may_bring_only_an_address(connection):
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key))
    assert account(connection, packet(INTERIM, 5, class_key=key, framed_address="10.0.8.1"))[0][0] == "recorded"
    assert account(connection, packet(INTERIM, 5, class_key=key, delegated_ipv6_prefix="2001:db8:7::/56",
                                      framed_ipv6_prefix="2001:db8:8::1/64"))[0][0] == "recorded"
    made = session(connection, key)
    assert (made["framed_address"], made["delegated_ipv6_prefix"], made["framed_ipv6_prefix"]) == (
        "10.0.8.1", "2001:db8:7::/56", "2001:db8:8::/64")


def test_unknown_session_begins_before_its_first_packet(connection):
    account(connection, packet(INTERIM, 1000, session_time=900, acct_session_id="late"),
            packet(STOP, 1000, session_time=100, acct_session_id="over", login="other@isp.example", terminate_cause="x"))
    late, over = sessions(connection)
    assert (late["state"], late["started_at"], late["subscriber_id"], late["plan_id"]) == (
        "active", at(100).isoformat(), 1, 1)
    assert (over["state"], over["started_at"], over["stopped_at"]) == (
        "closed", at(900).isoformat(), at(1000).isoformat())


# Counters ----------------------------------------------------------------------------------------------------------

def counted(connection, *samples, has_gigawords=False):
    """in_octets and in_wraps after interims of (second, octets); the session began at second 0."""
    key = authorise(connection, address=None)
    for second, octets in samples:
        account(connection, packet(INTERIM, second, class_key=key, session_time=second, in_octets=octets,
                                   out_octets=octets, has_gigawords=has_gigawords))
    made = session(connection, key)
    assert (made["in_octets"], made["in_wraps"]) == (made["out_octets"], made["out_wraps"])
    return made["in_octets"], made["in_wraps"]


def test_a_32_bit_counter_wraps(connection):
    assert counted(connection, (600, 4294967000), (1200, 1000)) == (2**32 + 1000, 1)
    assert counted(connection, (600, 4294967000), (1200, 1000), (1800, 2000)) == (2**32 + 2000, 1)
    # a fast line: less than half the range, at the rate that it had
    assert counted(connection, (600, 3_000_000_000), (1200, 1_000_000_000)) == (2**32 + 1_000_000_000, 1)
    assert counted(connection, (600, 4 * 10**9), (1200, 3 * 10**9), (1800, 2 * 10**9)) == (2**33 + 2 * 10**9, 2)


def test_the_order_of_a_wrap_does_not_matter(connection):
    for order in itertools.permutations([(600, 4294967000), (1200, 1000), (1800, 900_000)]):
        assert counted(connection, *order) == (2**32 + 900_000, 1), order


def test_an_older_packet_is_no_wrap(connection):
    assert counted(connection, (1200, 5000), (600, 1000)) == (5000, 0)
    assert counted(connection, (600, 4294967000), (1200, 9000), (900, 4294967200)) == (2**32 + 9000, 1)


def test_a_lost_count_is_no_wrap(connection):
    assert counted(connection, (600, 4294967000), (1200, 0)) == (4294967000, 0)
    assert counted(connection, (36000, 50_000_000), (36600, 1000)) == (50_000_000, 0)


def test_gigawords_are_believed(connection):
    assert counted(connection, (600, 2**33), (1200, 2**32 + 5), has_gigawords=True) == (2**33, 0)
    assert counted(connection, (600, 4294967000), (1200, 2**32 + 5), has_gigawords=True) == (2**32 + 5, 0)


def flags_after(connection, *samples, has_gigawords=True):
    counted(connection, *samples, has_gigawords=has_gigawords)
    flags = value(connection, "select flags from poprad.session order by session_key desc limit 1")
    return [flag for flag in flags if flag.startswith("counter")]


LINE_10_GBIT = 1_250_000_000  # octets a second


def test_counters_that_fall_are_marked(connection):
    assert flags_after(connection, (600, 2**33), (1200, 2**32 + 5)) == ["counter_fell"]
    assert flags_after(connection, (600, 2**33), (1200, 5), (1800, 7), (2400, 2**33 + 1)) == ["counter_fell"]
    assert flags_after(connection, (600, 4294967000), (1200, 0), has_gigawords=False) == ["counter_fell"]
    assert flags_after(connection, (600, 2**33), (1200, 2**33)) == []


def test_counters_that_wrap_or_come_late_are_not_marked(connection):
    assert flags_after(connection, (600, 4294967000), (1200, 1000), (1800, 2000), (2400, 2000), has_gigawords=False) == []
    assert flags_after(connection, (1200, 5000), (600, 1000)) == []


def test_counters_that_jump_are_marked_and_kept(connection):
    carried = LINE_10_GBIT * 610
    assert flags_after(connection, (600, carried)) == []
    assert flags_after(connection, (600, carried + 1)) == ["counter_jumped"]
    assert flags_after(connection, (600, 5), (1200, carried + 5)) == []
    assert flags_after(connection, (600, 5), (1200, carried + 6)) == ["counter_jumped"]
    assert counted(connection, (600, 5), (1200, 2**60), has_gigawords=True) == (2**60, 0)
    assert flags_after(connection, (600, 5), (1200, 2**60), (1800, 100)) == ["counter_jumped", "counter_fell"]


@pytest.mark.parametrize("status", [START, INTERIM, STOP])
def test_a_session_may_begin_with_a_jump(connection, status):
    for made in (packet(status, 10, session_time=10, in_octets=2**60),
                 packet(status, 10, session_time=10, out_octets=2**60, acct_session_id="unknown", login="nobody")):
        if made["login"] != "nobody":
            made["class_key"] = authorise(connection, address=None)
        assert account(connection, made)[0][0] == "flagged"
        assert account(connection, made)[0][0] == "repeat"
    assert [row["flags"] for row in sessions(connection)] == 2 * [["counter_jumped"]]


def test_each_session_is_said_to_be_marked_once(connection):
    key = authorise(connection, address=None)
    said = [account(connection, packet(INTERIM, second, class_key=key, session_time=second, in_octets=octets,
                                       has_gigawords=True))[0][0]
            for second, octets in ((600, 100), (1200, 50), (1800, 60), (2400, 2**60), (3000, 2**61))]
    assert said == ["recorded", "flagged", "recorded", "flagged", "recorded"]


@pytest.mark.parametrize("octets", [LAST, -LAST - 1, -1, 0, 2**32, 2**62])
@pytest.mark.parametrize("has_gigawords", [True, False])
def test_extreme_values_fail_nothing(connection, octets, has_gigawords):
    key = authorise(connection)
    for number, status in enumerate((START, INTERIM, INTERIM, STOP)):
        account(connection, packet(status, 10 + number, class_key=key, session_time=octets, in_octets=octets,
                                   out_octets=octets if number else 5, in_packets=octets, out_packets=octets,
                                   has_gigawords=has_gigawords, nas_port=octets))
        account(connection, packet(INTERIM, 20 + number, class_key=key, session_time=number, in_octets=number,
                                   out_octets=LAST - number, has_gigawords=not has_gigawords))
    made = session(connection, key)
    assert made["state"] == "closed" and made["in_octets"] >= 0 and made["session_time"] >= 0
    assert made["started_at"] >= at(-20 * 366 * 86400).isoformat()


# Ends --------------------------------------------------------------------------------------------------------------

def test_a_closed_session_stays_closed(connection):
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key),
            packet(STOP, 100, class_key=key, session_time=95, terminate_cause="User-Request"))
    account(connection, packet(INTERIM, 200, class_key=key, session_time=195, in_octets=7))
    account(connection, packet(START, 5, class_key=key))
    made = session(connection, key)
    assert (made["state"], made["stopped_at"], made["in_octets"], made["flags"]) == (
        "closed", at(100).isoformat(), 7, [])
    assert holder(connection, "10.0.8.1") is None


def test_of_several_stops_the_earliest_stands(connection):
    for order in ((100, 103), (103, 100)):
        key = authorise(connection, address=None)
        for when in order:
            account(connection, packet(STOP, when, class_key=key, session_time=50, terminate_cause=f"cause {when}"))
        made = session(connection, key)
        assert (made["stopped_at"], made["terminate_cause"]) == (at(100).isoformat(), "cause 100")


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_stop_of_the_nas_replaces_a_lesser_end(connection, rank):
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key))
    expire(connection, key, 500, rank)
    account(connection, packet(STOP, 400, class_key=key, session_time=395, terminate_cause="User-Request"))
    made = session(connection, key)
    assert (made["stopped_at"], made["terminate_cause"], made["cause_rank"], made["flags"]) == (
        at(400).isoformat(), "User-Request", 4, [])


def test_a_swept_session_lives_again(connection):
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key))
    expire(connection, key, 500)
    account(connection, packet(INTERIM, 450, class_key=key, session_time=445))
    assert session(connection, key)["state"] == "closed"
    account(connection, packet(INTERIM, 605, class_key=key, session_time=600))
    made = session(connection, key)
    assert (made["state"], made["flags"], made["stopped_at"], made["closed_at"], made["cause_rank"]) == (
        "active", ["live_after_close"], None, None, 0)
    assert holder(connection, "10.0.8.1") == key
    assert account(connection, packet(STOP, 700, class_key=key, session_time=695))[0][2] == "10.0.8.1"


@pytest.mark.parametrize("rank", [2, 3])
def test_a_contradicted_end_is_marked_and_stays(connection, rank):
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key))
    expire(connection, key, 500, rank)
    account(connection, packet(INTERIM, 605, class_key=key, session_time=600), packet(INTERIM, 606, class_key=key))
    made = session(connection, key)
    assert (made["state"], made["flags"]) == ("closed", ["live_after_close"])
    assert holder(connection, "10.0.8.1") is None


def test_what_the_start_says_of_the_line_stands(connection):
    start = packet(START, 5, login="nobody", nas_port=1, framed_address="10.9.9.9")
    stop = packet(STOP, 95, login="nobody", nas_port=2, framed_address="10.9.9.9", session_time=90)
    for order in ((start, stop), (stop, start)):
        rows(connection, "truncate poprad.session, poprad.session_alias")
        for one in order:
            account(connection, one)
        (made,) = sessions(connection)
        assert (made["nas_port"], made["state"]) == (1, "closed")
