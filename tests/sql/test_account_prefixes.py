# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What accounting does to the leases of IPv6 prefixes."""

import pytest

from support.accounting import (INTERIM, START, STOP, account, authorise, device, expire, holder, into_history, packet,
                                provider, rows, session, sessions, value)

FRAMED, DELEGATED, OTHER = "2001:db8:0:1::/64", "2001:db8:1:100::/56", "2001:db8:0:2::/64"
BOTH = {"framed_ipv6_prefix": FRAMED, "delegated_ipv6_prefix": DELEGATED}
LEASED = {"leased_framed_prefix": FRAMED, "leased_delegated_prefix": DELEGATED}


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    rows(made, """update poprad.subscriber set framed_ipv6_prefix = %s, delegated_ipv6_prefix = %s
                  where login = 'demo@isp.example'""", FRAMED, DELEGATED)
    rows(made, "update poprad.subscriber set framed_ipv6_prefix = %s where login = 'other@isp.example'", OTHER)
    return made


def lease(connection, key, *prefixes):
    rows(connection, "update poprad.address set session_key = %s where address = any (%s::inet[])", key, list(prefixes))


@pytest.fixture
def key(connection):
    made = authorise(connection, **LEASED)
    lease(connection, made, FRAMED, DELEGATED)
    return made


def holders(connection):
    return holder(connection, FRAMED), holder(connection, DELEGATED)


@pytest.mark.parametrize("start, stop", [({}, {}), (BOTH, BOTH), ({}, BOTH)])
def test_a_stop_gives_them_back(connection, key, start, stop):
    account(connection, packet(START, 5, class_key=key, **start))
    assert holders(connection) == (key, key)
    account(connection, packet(INTERIM, 35, class_key=key, session_time=30, in_octets=5, **start))
    assert holders(connection) == (key, key)
    account(connection, packet(STOP, 65, class_key=key, session_time=60, **stop))
    assert holders(connection) == (None, None)
    assert session(connection, key)["leased_framed_prefix"] == FRAMED
    assert session(connection, key)["flags"] == []


def test_a_stop_without_a_start_gives_them_back(connection, key):
    account(connection, packet(STOP, 65, class_key=key, session_time=60))
    assert holders(connection) == (None, None)


def test_a_repeated_stop_does_not_take_them_from_the_next_holder(connection, key):
    stop = packet(STOP, 65, class_key=key, session_time=60)
    account(connection, stop)
    young = authorise(connection, address=None, **LEASED)
    lease(connection, young, FRAMED, DELEGATED)
    account(connection, stop, packet(STOP, 64, class_key=key, session_time=61))
    assert holders(connection) == (young, young)


def test_the_end_of_a_device_an_expiry_and_an_operator_give_them_back(connection, key):
    account(connection, packet(START, 5, class_key=key))
    assert device(connection, 7, 100) == (1, None)
    assert holders(connection) == (None, None)
    for end in ("select poprad.session_close(%s, 'Admin-Reset')",
                """select poprad.tick(array['n'], array[1], array['-infinity'::timestamptz], array[now()],
                       array[3], array[0]) where %s is not null"""):
        waiting = authorise(connection, address=None, authorised_at=value(connection, "select now() - interval '1 hour'"),
                            authorised_until=value(connection, "select now() - interval '50 minutes'"), **LEASED)
        lease(connection, waiting, FRAMED, DELEGATED)
        rows(connection, end, waiting)
        assert session(connection, waiting)["state"] == "closed"
        assert holders(connection) == (None, None)


def test_a_swept_session_gives_them_back_after_a_rest(connection, key):
    account(connection, packet(START, 5, class_key=key), packet(INTERIM, 65, class_key=key, session_time=60))
    rows(connection, "update poprad.session set interim_s = 600, last_heard = now() - interval '1 hour'")
    rows(connection, """select poprad.tick(array['n'], array[1], array['-infinity'::timestamptz], array[now()], array[3], array[0])
                        from generate_series(1, 2)""")
    assert session(connection, key)["terminate_cause"] == "Lost-Service"
    assert holders(connection) == (None, None)
    assert value(connection, "select changed_at > now() from poprad.address where address = %s", FRAMED)
    # it lives after all
    rows(connection, "update poprad.session set closed_at = last_heard + interval '1 minute'")
    account(connection, packet(INTERIM, 665, class_key=key, session_time=660))
    assert holders(connection) == (key, key)


def test_a_session_that_another_call_replaces_gives_them_back(connection, key):
    port = {"nas_port": 7, "nas_port_type": "Async"}
    account(connection, packet(START, 5, class_key=key, **port))
    account(connection, packet(START, 65, login="nobody", acct_session_id="next", **port))
    assert session(connection, key)["terminate_cause"] == "Lost-Carrier"
    assert holders(connection) == (None, None)


def test_a_late_start_retakes_them_or_is_marked(connection, key):
    expire(connection, key, 60)
    account(connection, packet(START, 70, class_key=key))
    assert holders(connection) == (key, key)
    account(connection, packet(STOP, 80, class_key=key, session_time=10))
    late = authorise(connection, **LEASED)
    expire(connection, late, 60)
    thief = authorise(connection, address=None, **LEASED)
    lease(connection, thief, DELEGATED)
    account(connection, packet(START, 90, class_key=late, acct_session_id="late"))
    assert session(connection, late)["flags"] == ["prefix_conflict"]
    assert holders(connection) == (late, thief)
    # once it is free, the session that uses it takes it
    account(connection, packet(STOP, 95, class_key=thief, acct_session_id="thief"))
    account(connection, packet(INTERIM, 130, class_key=late, acct_session_id="late", session_time=40, in_octets=1))
    assert holders(connection) == (late, late)


def test_a_prefix_is_only_its_subscribers(connection):
    account(connection, packet(START, 5, login="nobody", **BOTH))
    (made,) = sessions(connection)
    assert holders(connection) == (None, None) and made["flags"] == ["prefix_conflict"]
    account(connection, packet(START, 6, acct_session_id="his", **BOTH))
    his, = [s for s in sessions(connection) if s["acct_session_id"] == "his"]
    assert [str(k) for k in holders(connection)] == [his["session_key"]] * 2
    assert (his["leased_framed_prefix"], his["flags"]) == (FRAMED, [])
    account(connection, packet(STOP, 60, acct_session_id="his"))
    assert holders(connection) == (None, None)


def test_prefixes_that_nobody_leases_are_only_noted(connection):
    account(connection, packet(START, 5, login="nobody", framed_ipv6_prefix="2001:db8:77::/64"))
    (made,) = sessions(connection)
    assert (made["flags"], made["leased_framed_prefix"], made["framed_ipv6_prefix"]) == ([], None, "2001:db8:77::/64")


def test_the_lease_follows_the_prefix_in_use(connection, key):
    rows(connection, "update poprad.subscriber set framed_ipv6_prefix = null where login = 'other@isp.example'")
    rows(connection, "update poprad.subscriber set framed_ipv6_prefix = %s where login = 'demo@isp.example'", OTHER)
    account(connection, packet(START, 5, class_key=key, framed_ipv6_prefix=OTHER))
    assert (holder(connection, OTHER), holder(connection, DELEGATED)) == (key, key)
    assert value(connection, "select count(*) from poprad.address where session_key = %s", key) == 3
    account(connection, packet(STOP, 15, class_key=key, framed_ipv6_prefix=OTHER))
    assert value(connection, "select count(*) from poprad.address where session_key is not null") == 0


def test_a_second_record_under_one_class_holds_none(connection, key):
    account(connection, packet(START, 5, class_key=key))
    account(connection, packet(STOP, 6, class_key=key, acct_session_id="second", **BOTH))
    assert holders(connection) == (key, key)


def test_a_stop_for_a_session_in_history_gives_nothing_of_others_back(connection, key):
    account(connection, packet(STOP, 65, class_key=key, session_time=60))
    assert into_history(connection) == 1
    young = authorise(connection, address=None, **LEASED)
    lease(connection, young, FRAMED, DELEGATED)
    account(connection, packet(STOP, 64, class_key=key, session_time=61))
    assert holders(connection) == (young, young)


def test_who_had_a_prefix(connection, key):
    """By what was leased where the NAS reported none, and from the history too."""
    asked = "select array(select poprad.session_keys_with(%s, %s))"
    rows(connection, "update poprad.session set authorised_at = now() - interval '1 hour'")
    now = value(connection, "select now()")
    assert value(connection, asked, "2001:db8:1:1ff::1", now) == [key]
    assert value(connection, asked, "2001:db8:0:1::1", now) == [key]
    assert value(connection, asked, "2001:db8:0:2::1", now) == []
