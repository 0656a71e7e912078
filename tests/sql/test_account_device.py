# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Accounting-On and -Off: they end what that device began before, and nothing else."""

import pytest

from support.accounting import (INTERIM, NO_KEY, START, STOP, account, at, authorise, device, expire, holder, packet, provider,
                                rows, session, sessions, value)

ON, OFF = 7, 8


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


def test_on_closes_sessions_and_leases_of_the_device(connection):
    active = authorise(connection, address="10.0.8.1")
    waiting = authorise(connection, login="many@isp.example", address="10.0.8.2", when=3)
    account(connection, packet(START, 5, class_key=active))
    assert device(connection, ON, 100) == (2, None)
    for key, address in ((active, "10.0.8.1"), (waiting, "10.0.8.2")):
        made = session(connection, key)
        assert (made["state"], made["stopped_at"], made["terminate_cause"], made["cause_rank"],
                made["authorised_until"]) == ("closed", at(100).isoformat(), "NAS-Reboot", 3, None)
        assert holder(connection, address) is None
    assert device(connection, ON, 100) == (0, None)


def test_off_has_its_own_cause(connection):
    key = authorise(connection)
    assert device(connection, OFF, 100) == (1, None)
    assert session(connection, key)["terminate_cause"] == "Admin-Reboot"


def test_what_began_later_lives(connection):
    key = authorise(connection, when=110)
    account(connection, packet(START, 120, class_key=key), packet(START, 130, login="nobody", acct_session_id="x"))
    authorise(connection, address="10.0.8.2", when=140)
    assert device(connection, ON, 100) == (0, None)
    # nor does an event time that runs ahead of our clock reach what was authorised since the packet came
    assert device(connection, ON, 150, received=105) == (2, None)
    assert sorted(s["state"] for s in sessions(connection)) == ["authorised", "closed", "closed"]


@pytest.mark.parametrize("other", [
    {"nas_id": 2}, {"nas_address": "10.0.3.2"}, {"nas_identifier": "bank-8"}, {"nas_ip_address": "10.0.3.8"}])
def test_other_devices_live(connection, other):
    key = authorise(connection, **{"nas_identifier": "bank-7", "nas_ip_address": "10.0.3.7", **other})
    assert device(connection, ON, 100, nas_identifier="bank-7", nas_ip_address="10.0.3.7") == (0, None)
    assert session(connection, key)["state"] == "authorised"


def test_a_device_that_does_not_say_who_it_is(connection):
    authorise(connection, nas_identifier="bank-7", nas_ip_address="10.0.3.7")
    assert device(connection, ON, 100) == (1, None)


def test_many_sessions_take_several_calls(connection):
    keys = [authorise(connection, login="many@isp.example", address=f"10.0.8.{number}") for number in range(1, 8)]
    assert device(connection, ON, 100, max_sessions=3) == (3, keys[2])
    assert device(connection, ON, 100, max_sessions=3, after=keys[2]) == (3, keys[5])
    assert device(connection, ON, 100, max_sessions=3, after=keys[5]) == (1, None)
    assert value(connection, "select count(*) from poprad.address where session_key is not null") == 0


def test_a_call_looks_at_some_sessions_only(connection):
    rows(connection, """
        insert into poprad.session (session_key, state, nas_id, nas_address, user_name, started_at)
        select lpad(to_hex(n), 32, '0')::uuid, 'active', 1, '10.0.3.2', 'nobody', %s from generate_series(1, 5001) n""", at(0))
    last = authorise(connection)
    closed, reached = device(connection, ON, 100)
    assert (closed, reached.int) == (0, 5000)
    assert device(connection, ON, 100, after=reached) == (1, None)
    assert session(connection, last)["state"] == "closed"


def test_one_packet_twice_in_a_batch_is_not_done_before_the_first(connection):
    keys = [authorise(connection, login="many@isp.example", address=f"10.0.8.{number}") for number in range(1, 4)]
    assert rows(connection, """
        select closed, reached from poprad.account_device(array[7, 7]::int2[], array[1, 1],
            array['10.0.3.1', '10.0.3.1']::inet[], array[null, null]::inet[], array[null, null], array[%s, %s],
            array[%s, %s], array[4, 4], array[%s, %s])""", *[at(100)] * 4, *[NO_KEY] * 2) == [(2, keys[1]), (0, keys[1])]


def test_several_devices_in_one_batch(connection):
    authorise(connection)
    authorise(connection, address="10.0.8.2", nas_address="10.0.3.2")
    assert rows(connection, """
        select * from poprad.account_device(array[7, 8, 7]::int2[], array[1, 1, 1], array['10.0.3.1', '10.0.3.2',
            '10.0.3.1']::inet[], array[null, null, null]::inet[], array[null, null, null], array[%s, %s, %s],
            array[%s, %s, %s], array[500, 500, 500], array[%s, %s, %s])""",
                *[at(100)] * 6, *[NO_KEY] * 3) == [(1, 1, None), (2, 1, None), (3, 0, None)]
    assert [s["terminate_cause"] for s in sessions(connection, "nas_address")] == ["NAS-Reboot", "Admin-Reboot"]


def test_start_and_on_in_either_order(connection):
    for start, state in ((90, "closed"), (110, "active")):
        made = []
        for start_is_first in (True, None):
            rows(connection, "truncate poprad.session, poprad.session_alias; update poprad.address set session_key = null")
            key = authorise(connection)
            if start_is_first:
                account(connection, packet(START, start, class_key=key))
            device(connection, ON, 100)
            if not start_is_first:
                account(connection, packet(START, start, class_key=key))
            found = session(connection, key)
            made.append((found["state"], found["started_at"], found["stopped_at"], found["terminate_cause"],
                         holder(connection, "10.0.8.1") == key))
        assert made[0] == made[1] and made[0][0] == state


def test_stop_and_on_in_either_order(connection):
    for stop_is_first in (True, None):
        key = authorise(connection, address=None)
        name = f"{stop_is_first}"
        account(connection, packet(START, 5, class_key=key, acct_session_id=name))
        stop = packet(STOP, 90, class_key=key, acct_session_id=name, session_time=85, terminate_cause="User-Request")
        if stop_is_first:
            account(connection, stop)
        device(connection, ON, 100)
        account(connection, stop)
        found = session(connection, key)
        assert (found["stopped_at"], found["terminate_cause"], found["cause_rank"]) == (
            at(90).isoformat(), "User-Request", 4)


def test_a_lesser_end_that_lies_later_is_replaced(connection):
    for end, cause in ((90, "Lost-Carrier"), (150, "NAS-Reboot")):
        key = authorise(connection)
        account(connection, packet(START, 5, class_key=key, acct_session_id=str(end)))
        expire(connection, key, end)
        device(connection, ON, 100)
        assert session(connection, key)["terminate_cause"] == cause


def test_a_packet_from_after_the_reboot_is_marked(connection):
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key))
    device(connection, ON, 100)
    account(connection, packet(INTERIM, 90, class_key=key, session_time=85))
    assert session(connection, key)["flags"] == []
    account(connection, packet(INTERIM, 190, class_key=key, session_time=185))
    made = session(connection, key)
    assert (made["state"], made["flags"]) == ("closed", ["live_after_close"])
