# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Closed sessions go into history by the month of their key, and late packets find them there."""

import datetime
import time

import pytest

from support.accounting import (INTERIM, START, STOP, account, at, authorise, expire, holder, into_history, new_key,
                                packet, provider, rows, session, sessions, value)
from support.login import rows_read

HOUR = 3600  # s


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


def closed(connection, **values):
    """A session that is in history. Returns its key."""
    key = authorise(connection, **values)
    account(connection, packet(START, 5, class_key=key, acct_session_id="old"),
            packet(STOP, 100, class_key=key, acct_session_id="old", session_time=95, in_octets=10))
    assert into_history(connection) == 1
    assert session(connection, key)["is_history"]
    return key


def test_only_what_has_been_closed_for_an_hour_moves(connection):
    old, young, active = (authorise(connection, address=None) for _ in range(3))
    for number, key in enumerate((old, young, active)):
        account(connection, packet(START, 5, class_key=key, acct_session_id=str(number)))
    account(connection, packet(STOP, 9, class_key=old, acct_session_id="0"),
            packet(STOP, 9, class_key=young, acct_session_id="1"))
    rows(connection, "update poprad.session set closed_at = now() - interval '61 minutes' where session_key = %s", old)
    rows(connection, "update poprad.session set closed_at = now() - interval '59 minutes' where session_key = %s", young)
    assert rows(connection, "select * from poprad.move_closed(array[500, 500])") == [(1, 1), (2, 0)]
    assert {s["session_key"]: s["is_history"] for s in sessions(connection)} == {
        str(old): True, str(young): False, str(active): False}


def test_at_most_as_many_as_asked_for(connection):
    for number in range(5):
        account(connection, packet(STOP, 9, login="nobody", acct_session_id=str(number)))
    rows(connection, "update poprad.session set closed_at = closed_at - interval '2 hours'")
    assert [value(connection, "select moved from poprad.move_closed(array[2])") for _ in range(4)] == [2, 2, 1, 0]
    assert rows(connection, "select moved from poprad.move_closed('{}')") == []


def test_nobody_waits_for_a_row_that_is_being_worked_on(connection, database):
    account(connection, packet(STOP, 9, login="nobody"))
    rows(connection, "update poprad.session set closed_at = closed_at - interval '2 hours'")
    other = database.connect(autocommit=False)
    rows(other, "select from poprad.session for update")
    assert value(connection, "select moved from poprad.move_closed(array[500])") == 0
    other.rollback()
    assert value(connection, "select moved from poprad.move_closed(array[500])") == 1


def last_address(connection):
    return value(connection, """select host(t.last_address) from poprad.subscriber_state t
                                join poprad.subscriber s using (subscriber_id) where s.login = 'demo@isp.example'""")


def test_the_last_address_outlives_the_sessions(connection):
    for address in ("10.0.8.5", "10.0.8.9", "10.0.8.7"):
        authorise(connection, address=address)
    authorise(connection, address=None)
    rows(connection, "update poprad.session set state = 'closed', closed_at = now() - interval '2 hours'")
    assert into_history(connection) == 4
    assert last_address(connection) == "10.0.8.7"


def test_sessions_stay_while_their_subscriber_is_being_decided_about(connection, database):
    """Nobody waits, and there is no moment in which the last address is unknown."""
    authorise(connection, address="10.0.8.5")
    account(connection, packet(STOP, 9, login="nobody"))
    rows(connection, "update poprad.session set state = 'closed', closed_at = now() - interval '2 hours'")
    other = database.connect(autocommit=False)
    rows(other, "select from poprad.subscriber_state for update")
    assert into_history(connection) == 1
    assert last_address(connection) is None
    other.rollback()
    assert into_history(connection) == 1
    assert last_address(connection) == "10.0.8.5"


def test_partitions_are_months_of_the_keys_birth(connection):
    utc = datetime.timezone.utc
    births = [datetime.datetime(2026, 1, 31, 23, 59, 59, 999000, tzinfo=utc), datetime.datetime(2026, 2, 1, tzinfo=utc),
              datetime.datetime(2026, 2, 28, 23, 59, 59, 999000, tzinfo=utc), datetime.datetime(2026, 3, 1, tzinfo=utc),
              datetime.datetime(1970, 1, 1, 0, 0, 5, tzinfo=utc), datetime.datetime(2126, 12, 31, 23, tzinfo=utc)]
    for number, born in enumerate(births):
        account(connection, packet(STOP, 9, login="nobody", acct_session_id=str(number),
                                   new_key=new_key(born.timestamp())))
    assert into_history(connection) == len(births)
    assert rows(connection, """
        select tableoid::regclass::text, count(*) from poprad.session_history group by 1 order by 1""") == [
        ("poprad.session_history_197001", 1), ("poprad.session_history_202601", 1),
        ("poprad.session_history_202602", 2), ("poprad.session_history_202603", 1),
        ("poprad.session_history_212612", 1)]
    assert rows(connection, """
        select bool_and(poprad.session_key_birth(session_key) = any (%s)) from poprad.session_history""", births)[0][0]


def test_two_workers_make_one_partition(connection, database):
    for number in range(2):
        account(connection, packet(STOP, 9, login="nobody", acct_session_id=str(number), new_key=new_key(at(0).timestamp())))
    one, two = [key for key, in rows(connection, "select session_key from poprad.session order by 1")]
    other = database.connect(autocommit=False)
    assert value(other, "select poprad.session_to_history(array[%s::uuid], null)", one) == 1
    rows(connection, "set lock_timeout = '100ms'")
    with pytest.raises(Exception, match="lock timeout"):
        rows(connection, "select poprad.session_to_history(array[%s::uuid], null)", two)
    other.commit()
    assert value(connection, "select poprad.session_to_history(array[%s::uuid], null)", two) == 1


def test_closed_sessions_behind_many_others_move_too(connection):
    """The walk over all keys goes on where the last call came to, and begins anew at its end."""
    rows(connection, """
        insert into poprad.session (session_key, state, nas_id, nas_address, user_name, started_at, closed_at)
        select (to_char(i, 'fm000000000000') || '7' || repeat('0', 19))::uuid,
            case i %% 10000 when 0 then 'closed' else 'active' end, 1, '10.0.3.1', 'someone', now(),
            case i %% 10000 when 0 then now() - interval '2 hours' end
        from generate_series(1, 50000) i""")
    assert sum(value(connection, "select moved from poprad.move_closed(array[500])") for _ in range(3)) == 5
    rows(connection, """update poprad.session set state = 'closed', closed_at = now() - interval '2 hours'
                        where session_key in (select session_key from poprad.session order by 1 limit 1)""")
    assert sum(value(connection, "select moved from poprad.move_closed(array[500])") for _ in range(3)) == 1


def test_a_lap_ends_though_more_sessions_are_born_than_a_call_looks_at(connection):
    """Otherwise the walk would follow the newest for ever, and nothing behind it would move."""
    key = authorise(connection, address=None)
    account(connection, packet(START, 5, class_key=key))

    def born():
        rows(connection, """
            insert into poprad.session (session_key, state, nas_id, nas_address, user_name, started_at)
            select (left(poprad.session_key_first(clock_timestamp())::text, 24) || lpad(to_hex(i), 12, '0'))::uuid,
                'active', 1, '10.0.3.1', 'someone', now()
            from generate_series(1, 20001) i""")

    def moved():
        return value(connection, "select moved from poprad.move_closed(array[500])")

    born()
    assert moved() == 0
    account(connection, packet(STOP, 10, class_key=key))
    rows(connection, "update poprad.session set closed_at = now() - interval '61 minutes' where state = 'closed'")
    time.sleep(1.1)  # what is born from now on is of the next lap
    for _ in range(4):
        born()
        if moved() == 1:
            break
    assert session(connection, key)["is_history"]


def test_one_worker_walks_at_a_time(connection, database):
    account(connection, packet(STOP, 9, login="nobody"))
    rows(connection, "update poprad.session set closed_at = closed_at - interval '2 hours'")
    other = database.connect(autocommit=False)
    assert value(other, "select moved from poprad.move_closed(array[1])") == 1
    assert value(connection, "select moved from poprad.move_closed(array[1])") == 0
    other.rollback()
    assert value(connection, "select moved from poprad.move_closed(array[1])") == 1


# Late packets ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("knows_class", [True, False])
def test_a_late_packet_folds_into_history(connection, knows_class):
    key = closed(connection)
    late = packet(INTERIM, 60, class_key=key if knows_class else None, acct_session_id="old", session_time=55,
                  in_octets=50, framed_ipv6_address="2001:db8::7")
    assert account(connection, late)[0][:2] == ("recorded", True if knows_class else None)
    made = session(connection, key)
    assert made["is_history"] and made["state"] == "closed"
    assert (made["in_octets"], made["session_time"], made["framed_ipv6_address"], made["stopped_at"]) == (
        50, 95, "2001:db8::7", at(100).isoformat())
    assert account(connection, late)[0][0] == "repeat"
    assert len(sessions(connection)) == 1 and session(connection, key)["is_history"]


def test_late_packets_among_others_in_one_batch(connection):
    keys = [closed(connection)]
    account(connection, packet(STOP, 90, login="nobody", acct_session_id="n"))
    assert into_history(connection) == 1
    active = authorise(connection, address="10.0.8.2")
    batch = [packet(INTERIM, 60, acct_session_id="old", session_time=55, in_octets=50),
             packet(START, 105, class_key=active),
             packet(INTERIM, 61, class_key=keys[0], acct_session_id="old", session_time=56, in_octets=60),
             packet(STOP, 99, acct_session_id="old", session_time=94),
             packet(STOP, 90, login="nobody", acct_session_id="n", in_octets=4),
             packet(START, 200, acct_session_id="old", login="many@isp.example")]
    account(connection, *batch)
    assert [(s["acct_session_id"], s["is_history"], s["in_octets"]) for s in sessions(connection)] == [
        ("old", True, 60), ("n", True, 4), ("00000001", False, 0), ("old", False, 0)]
    assert sessions(connection)[0]["stopped_at"] == at(99).isoformat()


def test_a_swept_session_comes_back_from_history(connection):
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key, acct_session_id="old"))
    expire(connection, key, 500)
    assert into_history(connection) == 1
    account(connection, packet(INTERIM, 7205, acct_session_id="old", session_time=7200))
    made = session(connection, key)
    assert (made["is_history"], made["state"], made["flags"]) == (False, "active", ["live_after_close"])
    assert holder(connection, "10.0.8.1") == key
    assert value(connection, "select moved_at from poprad.session_alias") is None
    assert account(connection, packet(STOP, 7300, acct_session_id="old", session_time=7295))[0][2] == "10.0.8.1"


def test_a_start_long_after_expiry(connection):
    key = authorise(connection)
    expire(connection, key, 60)
    assert into_history(connection) == 1
    account(connection, packet(START, 7200, class_key=key))
    made = session(connection, key)
    assert (made["is_history"], made["state"], made["flags"]) == (False, "active", [])
    assert holder(connection, "10.0.8.1") == key


@pytest.mark.parametrize("age, is_named", [(2 * HOUR, False), (2 * HOUR, True), (0, True), (-2 * HOUR, False)])
def test_the_batch_again_after_its_session_went_into_history(connection, age, is_named):
    """age: of the keys, by our clock, when the session moves; the last ones come of a clock that is two hours ahead."""
    keys = [new_key(time.time() - age) for _ in range(2)]
    batch = [packet(START, 5, login="nobody", new_key=keys[0]),
             packet(STOP, 50, login="nobody", session_time=45, new_key=keys[1])]
    account(connection, *batch)
    assert into_history(connection) == 1
    if not is_named:
        rows(connection, "delete from poprad.session_alias")
    assert [verdict for verdict, _, _ in account(connection, *batch)] == ["repeat", "repeat"]
    (made,) = sessions(connection)
    assert made["is_history"]


def test_names_are_forgotten_a_day_after_the_move(connection):
    closed(connection)
    rows(connection, "update poprad.session_alias set moved_at = now() - interval '23 hours'")
    into_history(connection)
    assert value(connection, "select count(*) from poprad.session_alias") == 1
    rows(connection, "update poprad.session_alias set moved_at = now() - interval '25 hours'")
    into_history(connection)
    assert value(connection, "select count(*) from poprad.session_alias") == 0


def test_names_of_open_sessions_stay(connection):
    account(connection, packet(START, 5))
    into_history(connection)
    assert value(connection, "select count(*) from poprad.session_alias") == 1


# Who had an address ------------------------------------------------------------------------------------------------


def had(connection, address, second):
    return {key for key, in rows(connection, "select poprad.session_keys_with(%s, %s)::text", address, at(second))}


def test_who_had_an_address_then(connection):
    first = closed(connection)
    second = authorise(connection, when=200)
    assert had(connection, "10.0.8.1", 4) == had(connection, "10.0.8.1", 150) == had(connection, "10.0.8.2", 50) == set()
    assert had(connection, "10.0.8.1", 5) == had(connection, "10.0.8.1", 100) == {str(first)}
    assert had(connection, "10.0.8.1", 201) == {str(second)}
    account(connection, packet(START, 205, class_key=second, acct_session_id="new", framed_address="10.0.8.9"))
    assert had(connection, "10.0.8.1", 210) == set(), "the NAS has given another address"
    assert had(connection, "10.0.8.9", 210) == {str(second)}
    account(connection, packet(STOP, 220, class_key=second, acct_session_id="new"))
    assert (had(connection, "10.0.8.9", 220), had(connection, "10.0.8.9", 221)) == ({str(second)}, set())
    assert into_history(connection) == 1
    assert (had(connection, "10.0.8.9", 220), had(connection, "10.0.8.9", 221)) == ({str(second)}, set())


def near(connection, address, second):
    return [tuple(row) for row in rows(connection, "select is_before, session_key::text, changed_at from poprad.sessions_near(%s, %s) "
                                       "order by is_before desc", address, at(second))]


def test_who_had_an_address_before_and_after(connection):
    first = str(closed(connection))
    had_it = rows(connection, "select began, ended from poprad.sessions_with('10.0.8.1') where session_key = %s", first)[0]
    assert near(connection, "10.0.8.1", 150) == [(True, first, had_it[1])]
    assert near(connection, "10.0.8.1", 0) == [(False, first, had_it[0])]
    assert near(connection, "10.0.8.2", 150) == []
    second = str(authorise(connection, when=200))
    assert [row[:2] for row in near(connection, "10.0.8.1", 150)] == [(True, first), (False, second)]
    assert near(connection, "10.0.8.1", 50) == [(False, second, near(connection, "10.0.8.1", 150)[1][2])]
    assert [row[:2] for row in near(connection, "10.0.8.1", 300)] == [(True, first)], "the second still has it"


def test_who_had_an_ipv6_address_then(connection):
    keys = [authorise(connection, address=None, nas_address=f"10.0.3.{n}") for n in range(3)]
    told = ({"framed_ipv6_address": "2001:db8::7"}, {"framed_ipv6_prefix": "2001:db8:1::/64"},
            {"delegated_ipv6_prefix": "2001:db8:200::/40"})
    for n, (key, values) in enumerate(zip(keys, told)):
        account(connection, packet(START, 5, class_key=key, acct_session_id=str(n), nas_address=f"10.0.3.{n}", **values))
    for is_past in (False, True):
        assert had(connection, "2001:db8::7", 7) == {str(keys[0])}
        assert had(connection, "2001:db8:1::99", 7) == {str(keys[1])}
        assert had(connection, "2001:db8:2ff::1", 7) == {str(keys[2])}
        assert had(connection, "2001:db8:300::1", 7) == had(connection, "2001:db8::8", 7) == set()
        if not is_past:
            account(connection, *[packet(STOP, 10, class_key=key, acct_session_id=str(n), nas_address=f"10.0.3.{n}")
                                  for n, key in enumerate(keys)])
            assert into_history(connection) == 3


def test_the_history_is_asked_by_its_indexes(connection):
    closed(connection)
    rows(connection, "select poprad.session_history_partition(date_trunc('month', to_timestamp(x'019000000000'::bigint / 1000.0) "
                     "at time zone 'UTC'))")
    rows(connection, """insert into poprad.session_history (session_key, state, nas_id, nas_address, user_name, address,
                            framed_ipv6_prefix, delegated_ipv6_prefix, started_at, stopped_at)
                        select ('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'closed', 1, '10.0.3.1', 'x',
                            '10.9.0.0'::inet + i, ('2001:db8:1:' || to_hex(i) || '::/64')::cidr,
                            ('2001:db8:2:' || to_hex(i) || '::/64')::cidr, %s, %s
                        from generate_series(1, 5000) i""", at(5), at(10))
    rows(connection, "analyze poprad.session_history")
    server = connection.cursor()
    for address in ("10.9.0.77", "2001:db8:1:4d::1", "2001:db8:2:4d::1"):
        rows(connection, "begin")
        before = rows_read(server)
        server.execute("select count(*) from poprad.session_keys_with(%s, %s)", (address, at(7)))
        assert server.fetchone() == (1,)
        assert rows_read(server) - before < 300  # the other month has one row, which may be read for each network
        rows(connection, "rollback")
