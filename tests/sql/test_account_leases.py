# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What accounting does to leases and to the subscriber's limit."""

import pytest

from support.accounting import (INTERIM, START, STOP, account, at, authorise, expire, holder, packet, provider, rows,
                                session, sessions, value)
from support.login import admit, request


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


def by_name(connection, name):
    (made,) = [s for s in sessions(connection) if s["acct_session_id"] == name]
    return made


def test_stop_gives_the_address_back_once(connection):
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key))
    stop = packet(STOP, 65, class_key=key, session_time=60)
    before = value(connection, "select now()")
    assert account(connection, stop, stop) == [("recorded", True, "10.0.8.1"), ("repeat", True, None)]
    assert account(connection, stop) == [("repeat", True, None)]
    assert holder(connection, "10.0.8.1") is None
    assert value(connection, "select changed_at from poprad.address where address = '10.0.8.1'") >= before
    assert session(connection, key)["address"] == "10.0.8.1"


def test_a_repeated_stop_does_not_take_the_address_from_the_next_holder(connection):
    old = authorise(connection)
    stop = packet(STOP, 65, class_key=old, session_time=60)
    account(connection, stop)
    young = authorise(connection, login="other@isp.example")
    account(connection, stop, packet(STOP, 64, class_key=old, session_time=61))
    assert holder(connection, "10.0.8.1") == young


def test_stop_and_start_on_one_address_in_one_batch(connection):
    for order in (0, 1):
        old = authorise(connection, address="10.0.8.9")
        account(connection, packet(START, 5, class_key=old, acct_session_id=f"old {order}"))
        batch = [packet(STOP, 65, class_key=old, session_time=60, acct_session_id=f"old {order}"),
                 packet(START, 65, login="nobody", framed_address="10.0.8.9", acct_session_id=f"young {order}")]
        account(connection, *(batch if order else reversed(batch)))
        young = by_name(connection, f"young {order}")
        assert young["flags"] == [] and str(holder(connection, "10.0.8.9")) == young["session_key"]
        account(connection, packet(STOP, 70, login="nobody", acct_session_id=f"young {order}"))


def test_late_start_retakes_its_address_or_is_marked(connection):
    free, taken = (authorise(connection, login="many@isp.example", address=f"10.0.8.{i}") for i in (1, 2))
    for key in (free, taken):
        expire(connection, key, 60)
    thief = authorise(connection, login="other@isp.example", address="10.0.8.2")
    account(connection, packet(START, 70, login="many@isp.example", class_key=free, acct_session_id="1"),
            packet(START, 70, login="many@isp.example", class_key=taken, acct_session_id="2"))
    assert (session(connection, free)["state"], session(connection, free)["flags"]) == ("active", [])
    assert (session(connection, taken)["state"], session(connection, taken)["flags"]) == ("active", ["address_conflict"])
    assert (holder(connection, "10.0.8.1"), holder(connection, "10.0.8.2")) == (free, thief)
    # once the address is free, the session that uses it takes it
    account(connection, packet(STOP, 80, login="other@isp.example", class_key=thief, session_time=5))
    account(connection, packet(INTERIM, 130, login="many@isp.example", class_key=taken, acct_session_id="2",
                               session_time=60))
    assert holder(connection, "10.0.8.2") == taken


def test_a_session_closed_before_it_began(connection):
    """Accounting-On or an operator ended the authorised session: only a Start from after that begins it."""
    for start, state in ((50, "closed"), (70, "active")):
        key = authorise(connection, address="10.0.8.5")
        expire(connection, key, 60, rank=3)
        account(connection, packet(START, start, class_key=key, acct_session_id=f"at {start}"))
        made = session(connection, key)
        assert (made["state"], made["started_at"]) == (state, at(start).isoformat())
        assert holder(connection, "10.0.8.5") == (key if state == "active" else None)


def test_an_interim_that_brings_the_address_leases_it(connection):
    account(connection, packet(START, 5, login="nobody"))
    account(connection, packet(INTERIM, 65, login="nobody", framed_address="10.0.8.3", session_time=60))
    (made,) = sessions(connection)
    assert made["address"] == "10.0.8.3" and str(holder(connection, "10.0.8.3")) == made["session_key"]
    assert account(connection, packet(STOP, 80, login="nobody", session_time=75))[0][2] == "10.0.8.3"


def test_an_address_that_another_holds_is_marked(connection):
    other = authorise(connection, address="10.0.8.3")
    account(connection, packet(START, 5, login="nobody", framed_address="10.0.8.3"),
            packet(START, 5, login="somebody", framed_address="10.9.9.9"))
    assert [(s["user_name"], s["flags"]) for s in sessions(connection, "user_name")] == [
        ("demo@isp.example", []), ("nobody", ["address_conflict"]), ("somebody", [])]
    assert holder(connection, "10.0.8.3") == other


def test_two_sessions_that_say_they_use_one_address(connection):
    account(connection, packet(START, 5, login="nobody", framed_address="10.0.8.3"),
            packet(START, 6, login="somebody", framed_address="10.0.8.3", nas_address="10.0.3.2"))
    assert [(s["user_name"], s["flags"]) for s in sessions(connection)] == [
        ("nobody", []), ("somebody", ["address_conflict"])]


def test_the_lease_follows_the_address_in_use(connection):
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key, framed_address="10.0.8.7"))
    assert (holder(connection, "10.0.8.1"), holder(connection, "10.0.8.7")) == (None, key)
    assert account(connection, packet(STOP, 15, class_key=key, framed_address="10.0.8.7"))[0][2] == "10.0.8.7"


def test_a_static_address_is_only_its_subscribers(connection):
    account(connection, packet(START, 5, login="nobody", framed_address="10.0.4.10"))
    assert holder(connection, "10.0.4.10") is None
    assert by_name(connection, "00000001")["flags"] == ["address_conflict"]
    account(connection, packet(START, 5, login="static@isp.example", framed_address="10.0.4.10", acct_session_id="2"))
    assert str(holder(connection, "10.0.4.10")) == by_name(connection, "2")["session_key"]


@pytest.mark.parametrize("framed_address", [None, "10.0.4.10"])
def test_a_session_whose_static_address_moved_on_is_marked(connection, framed_address):
    owner = value(connection, "select subscriber_id from poprad.subscriber where login = 'static@isp.example'")
    old, young = (request(owner, static_address="10.0.4.10", nas_port=port, user_name="static@isp.example") for port in (1, 2))
    with connection.cursor() as cursor:
        assert [admit(cursor, one)[0].address for one in (old, young)] == ["10.0.4.10"] * 2
    account(connection, packet(START, 5, login="static@isp.example", class_key=old["session_key"], acct_session_id="old",
                               framed_address=framed_address))
    assert session(connection, old["session_key"])["flags"] == ["address_conflict"]
    assert holder(connection, "10.0.4.10") == young["session_key"]


@pytest.fixture
def refused(connection):
    """An authorised session whose lease went back: its subscriber got another pool, which had no address for his next login on
    the line. His session, and what makes further requests."""
    owner, plan = rows(connection, "select subscriber_id, plan_id from poprad.subscriber where login = 'demo@isp.example'")[0]
    pools = []
    for name, network in (("first", "10.0.90.0/29"), ("second", "10.0.91.0/29")):
        rows(connection, "select poprad.pool_add(%s, %s, null, false)", name, network)
        pools.append(value(connection, "select pool_id from poprad.pool where name = %s", name))

    def ask(**values):
        made = {"pool_id": pools[0], "plan_id": plan, "nas_port": 7, "user_name": "demo@isp.example", **values}
        with connection.cursor() as cursor:
            return admit(cursor, request(owner, **made))[0]

    key = ask(candidate_1="10.0.90.1").session_key
    assert holder(connection, "10.0.90.1") == key
    assert ask(pool_id=pools[1]).reason == "candidates_taken"
    assert holder(connection, "10.0.90.1") is None
    assert session(connection, key)["is_lease_gone"]
    return key, ask


@pytest.mark.parametrize("framed_address", [None, "10.0.90.1"])
def test_a_session_whose_lease_went_back_takes_the_address_again(connection, refused, framed_address):
    key, _ = refused
    account(connection, packet(START, 5, class_key=key, framed_address=framed_address))
    assert holder(connection, "10.0.90.1") == key


def test_a_login_that_takes_such_a_session_over_gives_it_a_lease(connection, refused):
    key, ask = refused
    verdict = ask(candidate_1="10.0.90.2")
    assert verdict.session_key == key and holder(connection, str(verdict.address)) == key
    assert session(connection, key)["is_lease_gone"] is None


def test_an_address_that_means_none(connection):
    account(connection, packet(START, 5, login="nobody", framed_address="0.0.0.0"),
            packet(INTERIM, 65, login="nobody", framed_address="10.0.8.3", session_time=60))
    (made,) = sessions(connection)
    assert made["framed_address"] == "10.0.8.3"


# Limits ------------------------------------------------------------------------------------------------------------

def test_the_later_start_exceeds_the_limit_and_is_recorded(connection):
    one, two = (authorise(connection, address=f"10.0.8.{i}") for i in (1, 2))
    account(connection, packet(START, 5, class_key=two, acct_session_id="two"))
    account(connection, packet(START, 6, class_key=one, acct_session_id="one"))
    assert (session(connection, two)["flags"], session(connection, one)["flags"]) == ([], ["over_limit"])
    assert session(connection, one)["state"] == "active"


def test_the_limit_inside_a_batch(connection):
    rows(connection, """insert into poprad.subscriber_policy (subscriber_id, session_limit)
                        select subscriber_id, 2 from poprad.subscriber where login = 'demo@isp.example' returning 1""")
    keys = [authorise(connection, address=f"10.0.8.{i}") for i in range(1, 5)]
    account(connection, *[packet(START, 5, class_key=key, acct_session_id=str(key)) for key in keys])
    assert [session(connection, key)["flags"] for key in keys] == [[], [], ["over_limit"], ["over_limit"]]


def test_what_ends_in_the_batch_does_not_count(connection):
    one, two = (authorise(connection, address=f"10.0.8.{i}") for i in (1, 2))
    account(connection, packet(START, 5, class_key=one, acct_session_id="one"))
    account(connection, packet(START, 66, class_key=two, acct_session_id="two"),
            packet(STOP, 65, class_key=one, acct_session_id="one", session_time=60))
    assert session(connection, two)["flags"] == []


def test_no_limit(connection):
    keys = [authorise(connection, login="many@isp.example", address=f"10.0.8.{i}") for i in range(1, 5)]
    account(connection, *[packet(START, 5, login="many@isp.example", class_key=key, acct_session_id=str(key))
                          for key in keys])
    assert all(s["flags"] == [] for s in sessions(connection))


def test_authorised_sessions_do_not_count(connection):
    one, two = (authorise(connection, address=f"10.0.8.{i}") for i in (1, 2))
    account(connection, packet(START, 5, class_key=one))
    assert session(connection, one)["flags"] == []
    assert session(connection, two)["state"] == "authorised"
