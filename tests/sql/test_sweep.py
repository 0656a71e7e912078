# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Active sessions that fell silent are ended by tick(): sweep.sql."""

import pytest

from support.accounting import INTERIM, START, STOP, account, authorise, holder, into_history, packet, provider, rows, session, value

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    rows(made, """insert into poprad.pool_range (pool_id, prefix, first_address, last_address)
                  values (1, '10.0.8.0/24', '10.0.8.1', '10.0.8.254');
                  update poprad.address set pool_range_id = 1 where pool_id = 1;
                  insert into poprad.nas (name, prefix, secret, kind) values ('bank', '10.0.3.0/24', 's', 'other')""")
    return made


@pytest.fixture
def server(database):
    return database.connect("poprad_server")


def sweep(server, available=DAY, accounted=0, lost_after=3, silence_max=0):
    """Two walks, of which the first may have been at the end of its lap. Times in seconds before now."""
    return sum(value(server, """
        select swept from poprad.tick(array['a'], array[0], array[now() - make_interval(secs => %s)],
            array[now() - make_interval(secs => %s)], array[%s], array[%s])""", available, accounted, lost_after,
                     silence_max) for _ in range(2))


def online(connection, heard, interims=1, address="10.0.8.1", login="demo@isp.example", name="1", **columns):
    """A session that was last heard of `heard` seconds ago, by an interim or by its Start."""
    key = authorise(connection, login=login, address=address, **{"interim_s": 600, **columns})
    line = dict(class_key=key, login=login, acct_session_id=name, nas_address=columns.get("nas_address", "10.0.3.1"))
    account(connection, packet(START, 5, **line))
    for number in range(1, interims + 1):
        account(connection, packet(INTERIM, 5 + 600 * number, session_time=600 * number, in_octets=number, **line))
    rows(connection, """update poprad.session set last_heard = now() - make_interval(secs => %s),
                        started_at = started_at + d, updated_at = updated_at + d
                        from (select now() - make_interval(secs => %s) - updated_at as d from poprad.session
                              where session_key = %s) d
                        where session_key = %s""", heard, heard, key, key)
    return key


def state(connection, key):
    made = session(connection, key)
    return made["state"], made["terminate_cause"], made["cause_rank"]


LOST = ("closed", "Lost-Service", 1)
ACTIVE = ("active", None, 0)


def test_a_session_that_missed_its_interims_is_ended_where_it_was_last_heard_of(connection, server):
    key = online(connection, 31 * MINUTE)
    before = session(connection, key)
    assert sweep(server) == 1
    made = session(connection, key)
    assert state(connection, key) == LOST
    assert (made["stopped_at"], made["session_time"], made["in_octets"]) == (before["updated_at"], 600, 1)
    assert made["closed_at"] is not None and made["flags"] == []
    assert holder(connection, "10.0.8.1") is None
    assert sweep(server) == 0


def test_before_its_time_nothing_happens(connection, server):
    key = online(connection, 29 * MINUTE)
    assert sweep(server) == 0
    assert sweep(server, lost_after=2) == 1
    assert state(connection, key) == LOST


def test_its_address_rests_for_an_interval(connection, server):
    online(connection, 31 * MINUTE)
    sweep(server)
    free = "select address from poprad.free_addresses(array[1], array[null::inet], array[100])"
    assert ("10.0.8.1",) not in rows(server, free)
    assert value(connection, """select changed_at - now() between interval '9 min' and interval '10 min'
                                from poprad.address where address = '10.0.8.1'""")
    rows(connection, "update poprad.address set changed_at = now() - interval '1 s' where address = '10.0.8.1'")
    assert ("10.0.8.1",) in rows(server, free)


def test_time_in_which_records_could_not_be_stored_does_not_count(connection, server):
    key = online(connection, DAY)
    assert sweep(server, available=29 * MINUTE) == 0
    assert sweep(server, available=DAY, accounted=DAY - 29 * MINUTE) == 0
    assert state(connection, key) == ACTIVE
    assert sweep(server, available=31 * MINUTE) == 1


def test_an_interval_of_the_nas_goes_before_what_it_was_told(connection, server):
    key = online(connection, 40 * MINUTE)
    rows(connection, "update poprad.nas set interim_s = 900")
    assert sweep(server) == 0
    rows(connection, "update poprad.session set last_heard = now() - interval '46 min'")
    assert sweep(server) == 1
    assert state(connection, key) == LOST


def test_a_nas_that_was_never_seen_to_send_interims_is_not_expected_to(connection, server):
    key = online(connection, DAY, interims=0)
    assert sweep(server) == 0
    online(connection, MINUTE, address="10.0.8.2", login="many@isp.example", name="2", nas_address="10.0.3.2")
    assert sweep(server) == 0  # another device
    online(connection, MINUTE, address="10.0.8.3", login="many@isp.example", name="3")
    assert sweep(server) == 1
    assert state(connection, key) == LOST


def test_an_operator_may_say_that_it_sends_interims_or_none(connection, server):
    key = online(connection, 4 * HOUR, interims=0)
    rows(connection, "update poprad.nas set interim_s = 3600")
    assert sweep(server) == 1
    other = online(connection, 4 * HOUR, address="10.0.8.2", login="many@isp.example", name="2")
    rows(connection, "update poprad.nas set interim_s = 0")
    assert sweep(server) == 0
    assert (state(connection, key), state(connection, other)) == (LOST, ACTIVE)


def test_without_interims_the_session_timeout_says_when_it_is_over(connection, server):
    online(connection, 8 * HOUR + 5 * MINUTE, interims=0, interim_s=0, session_timeout_s=8 * HOUR)
    assert sweep(server, silence_max=HOUR) == 0
    rows(connection, "update poprad.session set last_heard = last_heard - interval '6 min'")
    assert sweep(server, available=59 * MINUTE) == 0
    assert sweep(server, available=61 * MINUTE) == 1


def test_without_both_the_longest_silence_does(connection, server):
    online(connection, 25 * HOUR, interims=0, interim_s=0)
    assert sweep(server) == 0
    assert sweep(server, silence_max=26 * HOUR) == 0
    assert sweep(server, silence_max=24 * HOUR) == 1


def test_a_session_that_somebody_works_on_is_left_for_later(connection, server, database):
    online(connection, HOUR)
    other = database.connect(autocommit=False)
    rows(other, "select from poprad.session for update")
    assert sweep(server) == 0
    other.rollback()
    assert sweep(server) == 1


def test_late_records_correct_it_and_reopen_nothing(connection, server):
    key = online(connection, HOUR)
    sweep(server)
    into_history(connection)
    heard, = rows(connection, "select updated_at from poprad.session_history where session_key = %s", key)[0]
    for number in (2, 3):
        late = packet(INTERIM, 0, class_key=key, acct_session_id="1", session_time=600 * number, in_octets=10 * number)
        late["event_at"] = heard + (number - 1) * (late["event_at"] - late["event_at"].replace(minute=50, hour=11))
        late["received_at"] = value(connection, "select now()")
        assert account(connection, late)[0][0] == "recorded"
        made = session(connection, key)
        assert (made["state"], made["in_octets"], made["session_time"]) == ("closed", 10 * number, 600 * number)
        assert value(connection, "select %s::timestamptz = %s", made["stopped_at"], late["event_at"]) and made["flags"] == []
    assert holder(connection, "10.0.8.1") is None


def test_a_session_that_lives_after_all_is_open_again(connection, server):
    key = online(connection, HOUR)
    sweep(server)
    alive = packet(INTERIM, 0, class_key=key, acct_session_id="1", session_time=4300, in_octets=70)
    alive["event_at"] = alive["received_at"] = value(connection, "select now() + interval '1 s'")
    account(connection, alive)
    assert state(connection, key) == ACTIVE and session(connection, key)["flags"] == ["live_after_close"]
    assert holder(connection, "10.0.8.1") == key


def test_five_hundred_at_a_time(connection, server):
    rows(connection, """
        insert into poprad.session (session_key, state, nas_id, nas_address, user_name, last_heard, updated_at, interim_s,
            session_time)
        select gen_random_uuid(), 'active', 1, '10.0.3.1', 'x', now() - interval '1 h', now() - interval '1 h', 600, 5
        from generate_series(1, 600)""")
    assert sweep(server) == 600
    assert value(connection, "select count(*) from poprad.session where state = 'active'") == 0


# Replaced ----------------------------------------------------------------------------------------------------------

def start(when, login, name, **line):
    return packet(START, when, login=login, acct_session_id=name, **{"nas_port": 7, "nas_port_type": "Async", **line})


def named(connection, name):
    key = value(connection, "select session_key from poprad.session where acct_session_id = %s", name)
    return session(connection, key)


def test_a_call_on_a_port_ends_the_former_one(connection):
    key = authorise(connection, nas_port=7, nas_port_type="Async")
    account(connection, start(5, "demo@isp.example", "1", class_key=key))
    account(connection, packet(INTERIM, 65, class_key=key, acct_session_id="1", session_time=60))
    account(connection, start(300, "other@isp.example", "2"))
    made = named(connection, "1")
    assert (made["state"], made["terminate_cause"], made["cause_rank"], made["flags"]) == (
        "closed", "Lost-Carrier", 2, ["replaced_line"])
    assert (made["stopped_at"], made["session_time"]) == (named(connection, "2")["started_at"], 60)
    assert holder(connection, "10.0.8.1") is None
    account(connection, packet(STOP, 200, class_key=key, acct_session_id="1", session_time=195,
                               terminate_cause="Lost-Carrier"))
    assert (named(connection, "1")["cause_rank"], named(connection, "1")["session_time"]) == (4, 195)


@pytest.mark.parametrize("other", [dict(nas_port=8), dict(nas_port_type="Ethernet"), dict(nas_address="10.0.3.2")],
                         ids=["port", "type", "device"])
def test_a_call_elsewhere_ends_none(connection, other):
    line = {"nas_port": 7, "nas_port_type": "Async", **({"nas_port_type": "Ethernet"} if "nas_port_type" in other else {})}
    account(connection, start(5, "nobody", "1", **line))
    account(connection, start(300, "somebody", "2", **{**line, **other}))
    assert named(connection, "1")["state"] == "active"


def test_a_late_start_ends_nothing_that_was_heard_of_since(connection):
    account(connection, start(5, "nobody", "1"), start(600, "somebody", "2"))
    assert [named(connection, name)["state"] for name in ("1", "2")] == ["closed", "active"]
    account(connection, start(300, "another", "3"))
    assert named(connection, "2")["state"] == "active"


def test_calls_that_follow_each_other_in_one_batch(connection):
    account(connection, *[start(100 * n, f"user-{n}", str(n)) for n in (3, 1, 2)])
    assert [named(connection, str(n))["state"] for n in (1, 2, 3)] == ["closed", "closed", "active"]


def test_a_start_with_the_address_of_another_session_of_the_device_ends_that(connection):
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key, framed_address="10.0.8.1", acct_session_id="1"))
    account(connection, packet(START, 300, login="nobody", framed_address="10.0.8.1", acct_session_id="2"))
    old, young = named(connection, "1"), named(connection, "2")
    assert (old["state"], old["terminate_cause"], old["flags"]) == ("closed", "Lost-Carrier", ["replaced_address"])
    assert (young["state"], young["flags"]) == ("active", [])
    assert str(holder(connection, "10.0.8.1")) == young["session_key"]
