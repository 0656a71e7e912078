# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Which session an accounting packet belongs to: by Class, by Acct-Session-Id and what else identifies, by adoption."""

import itertools

import pytest

from support.accounting import (INTERIM, START, STOP, account, at, authorise, expire, holder, new_key, packet, provider,
                                rows, session, sessions, value)

LITERAL = "%lX6b027074%hX"  # what one widespread pppd sends for every session


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


# Class -------------------------------------------------------------------------------------------------------------

def test_class_names_the_session_and_binds_the_name(connection):
    key = authorise(connection)
    assert account(connection, packet(START, 5, class_key=key)) == [("recorded", True, None)]
    made = session(connection, key)
    assert (made["state"], made["acct_session_id"], made["authorised_until"]) == ("active", "00000001", None)
    assert rows(connection, "select * from poprad.session_alias") == [(key, 1, "00000001", "demo@isp.example", None)]


def test_class_is_ignored_for_another_nas_or_subscriber(connection):
    key = authorise(connection)
    assert account(connection, packet(START, 5, class_key=key, nas_id=2, acct_session_id="a"),
                   packet(START, 5, class_key=key, login="other@isp.example", acct_session_id="b"),
                   packet(START, 5, class_key=new_key(), login="nobody", acct_session_id="c")) == [
        ("recorded", False, None)] * 3
    assert session(connection, key)["state"] == "authorised"
    assert len(sessions(connection)) == 4


def test_class_counts_whatever_way_the_name_is_written(connection):
    key = authorise(connection)
    assert account(connection, packet(START, 5, class_key=key, user_name="demo@ISP.example"))[0][1] is True
    key = authorise(connection, address=None)
    assert account(connection, packet(START, 5, class_key=key, login=None, acct_session_id="2"))[0][1] is True
    assert len(sessions(connection)) == 2


def test_class_under_a_second_name_is_a_record_of_its_own(connection):
    key = authorise(connection)
    spare = authorise(connection, address="10.0.8.2", when=1)
    for batches in ([0, 1], [2]), ([3],), ([4],):
        packets = [packet(START, 5, class_key=key), packet(START, 6, class_key=key, acct_session_id="second"),
                   packet(INTERIM, 60, class_key=key, acct_session_id="second", session_time=54),
                   packet(STOP, 70, class_key=key, acct_session_id="second", session_time=64),
                   packet(STOP, 90, class_key=key, session_time=85)]
        for batch in batches:
            results = account(connection, *[packets[place] for place in batch])
            assert all(matched for _, matched, _ in results)
            if batch == [3]:
                assert results[0][2] is None and holder(connection, "10.0.8.1") == key
    assert session(connection, key)["stopped_at"] == at(90).isoformat()
    assert session(connection, spare)["state"] == "authorised"
    (other,) = [s for s in sessions(connection) if s["acct_session_id"] == "second"]
    assert (other["session_time"], other["address"], other["stopped_at"]) == (64, None, at(70).isoformat())


def test_a_second_record_under_one_class_never_holds_a_lease(connection):
    key = authorise(connection)
    both = dict(class_key=key, framed_address="10.0.8.1")
    account(connection, packet(START, 5, **both), packet(START, 6, acct_session_id="second", **both))
    account(connection, packet(STOP, 90, session_time=85, **both))
    account(connection, packet(INTERIM, 96, acct_session_id="second", session_time=90, **both))
    assert holder(connection, "10.0.8.1") is None
    (other,) = [s for s in sessions(connection) if s["acct_session_id"] == "second"]
    assert (other["address"], other["framed_address"], other["state"]) == (None, "10.0.8.1", "active")


def test_one_batch_of_sessions_with_one_name_and_classes_of_their_own(connection):
    keys = [authorise(connection, login="many@isp.example", address=f"10.0.8.{i}", nas_port=i) for i in range(1, 6)]
    account(connection, *[packet(START, 5, class_key=key, login="many@isp.example", acct_session_id=LITERAL, nas_port=i)
                          for i, key in enumerate(keys, 1)])
    account(connection, *[packet(STOP, 50 + i, class_key=key, login="many@isp.example", acct_session_id=LITERAL,
                                 nas_port=i, session_time=45) for i, key in enumerate(keys, 1)])
    made = sessions(connection)
    assert [s["session_key"] for s in made] == [str(key) for key in keys]
    assert [s["stopped_at"] for s in made] == [at(50 + i).isoformat() for i in range(1, 6)]


# Acct-Session-Id and what else identifies --------------------------------------------------------------------------

@pytest.mark.parametrize("difference", [
    {"login": "other@isp.example"},
    {"nas_id": 2},
    {"nas_identifier": "bank-8"},
    {"nas_ip_address": "10.0.3.8"},
    {"calling_station_id": "555-0100", "nas_port": 7},
    {"framed_address": "10.9.0.2", "nas_port": 7},
    {"nas_port": 8, "framed_address": None, "calling_station_id": None},
    {"nas_port_id": "slot 8", "framed_address": None, "calling_station_id": None},
    {"acct_session_id": "another"},
])
def test_what_tells_sessions_apart(connection, difference):
    one = dict(login="nobody", acct_session_id=LITERAL, nas_port=7, nas_port_id="slot 7", framed_address="10.9.0.1",
               calling_station_id="555-0199", nas_identifier="bank-7", nas_ip_address="10.0.3.7")
    two = {**one, **difference}
    account(connection, packet(START, 5, **one), packet(START, 5, **two))
    account(connection, packet(INTERIM, 65, session_time=60, in_octets=1, **two),
            packet(INTERIM, 65, session_time=60, in_octets=2, **one))
    account(connection, packet(STOP, 80, session_time=75, **two))
    assert sorted((s["in_octets"], s["state"]) for s in sessions(connection)) == [(1, "closed"), (2, "active")]


@pytest.mark.parametrize("difference", [
    {"nas_port": 8},
    {"nas_port": 8, "nas_port_id": "slot 8", "framed_address": None},
    {"nas_port": 8, "calling_station_id": None},
    {"nas_address": "10.0.3.99"},
    {"framed_address": None, "calling_station_id": None},
    {"nas_port": None, "nas_port_id": None, "nas_identifier": None},
    {"login": None},
])
def test_what_does_not(connection, difference):
    one = dict(login="nobody", acct_session_id="77", nas_port=7, nas_port_id="slot 7", framed_address="10.9.0.1",
               calling_station_id="555-0199", nas_identifier="bank-7", nas_ip_address="10.0.3.7")
    two = {**one, **difference}
    account(connection, packet(START, 5, **one))
    account(connection, packet(INTERIM, 65, session_time=60, **two))
    account(connection, packet(STOP, 80, session_time=75, **two))
    (made,) = sessions(connection)
    assert made["state"] == "closed" and made["session_time"] == 75


def test_another_source_address_is_another_device_if_nothing_else_is_known(connection):
    account(connection, packet(START, 5, login="nobody"), packet(START, 5, login="nobody", nas_address="10.0.3.2"))
    assert len(sessions(connection)) == 2


def test_a_session_that_begins_after_the_stop_is_the_next_of_that_name(connection):
    for batch in (1, 4):
        rows(connection, "truncate poprad.session, poprad.session_alias")
        packets = [packet(START, 5, login="nobody"), packet(STOP, 100, login="nobody", session_time=95),
                   packet(START, 200, login="nobody"), packet(INTERIM, 260, login="nobody", session_time=60),
                   packet(INTERIM, 90, login="nobody", session_time=85), packet(STOP, 300, login="nobody", session_time=100),
                   packet(STOP, 100, login="nobody", session_time=95, in_octets=4)]
        for first in range(0, len(packets), batch):
            account(connection, *packets[first:first + batch])
        old, young = sessions(connection)
        assert (old["started_at"], old["stopped_at"], old["in_octets"]) == (at(5).isoformat(), at(100).isoformat(), 4)
        assert (young["started_at"], young["stopped_at"]) == (at(200).isoformat(), at(300).isoformat())


def test_stop_and_next_start_in_the_wrong_order(connection):
    """The same name again, the new session's Start is here before the old one's Stop."""
    account(connection, packet(START, 5, login="nobody", framed_address="10.9.0.1"))
    account(connection, packet(START, 100, login="nobody", framed_address="10.9.0.2"))
    account(connection, packet(STOP, 99, login="nobody", framed_address="10.9.0.1", session_time=94))
    account(connection, packet(INTERIM, 160, login="nobody", framed_address="10.9.0.2", session_time=60))
    assert [(s["framed_address"], s["state"]) for s in sessions(connection)] == [
        ("10.9.0.1", "closed"), ("10.9.0.2", "active")]


def test_a_stop_from_before_a_session_began_does_not_close_it(connection):
    account(connection, packet(START, 500, login="nobody"))
    account(connection, packet(STOP, 400, login="nobody", session_time=100))
    assert [(s["started_at"], s["state"]) for s in sessions(connection)] == [
        (at(300).isoformat(), "closed"), (at(500).isoformat(), "active")]


def test_a_packet_without_name_still_has_one_session(connection):
    account(connection, packet(START, 5, login="nobody", acct_session_id=None),
            packet(INTERIM, 65, login="nobody", acct_session_id=None, session_time=60),
            packet(START, 5, login="somebody", acct_session_id=None))
    assert [(s["user_name"], s["session_time"]) for s in sessions(connection, "user_name")] == [
        ("nobody", 60), ("somebody", 0)]


# Adoption ----------------------------------------------------------------------------------------------------------

def adopted(connection, **values):
    account(connection, packet(values.pop("status", START), values.pop("when", 6), **values))
    return [s["session_key"] for s in sessions(connection) if s["acct_session_id"] is not None]


def test_adoption_by_address_then_line_then_the_only_one(connection):
    by_line = authorise(connection, address="10.0.8.1", when=0, nas_port=1)
    by_address = authorise(connection, address="10.0.8.2", when=1, nas_port=2)
    assert adopted(connection, framed_address="10.0.8.2", nas_port=1, acct_session_id="a") == [str(by_address)]
    third = authorise(connection, address="10.0.8.3", when=2, nas_port=3)
    assert set(adopted(connection, nas_port=1, acct_session_id="b")) == {str(by_address), str(by_line)}
    assert set(adopted(connection, acct_session_id="c")) == {str(by_address), str(by_line), str(third)}


def test_no_adoption_if_several_might_be_meant(connection):
    keys = {str(authorise(connection, address=f"10.0.8.{i}", nas_port=i)) for i in (1, 2)}
    made = adopted(connection)
    assert len(made) == 1 and not keys & set(made)


@pytest.mark.parametrize("difference", [
    {"nas_id": 2}, {"nas_address": "10.0.3.2"}, {"login": "other@isp.example"}, {"calling_station_id": "555-0100"},
    {"framed_address": "10.9.9.9"}, {"status": STOP, "session_time": 3600}, {"status": INTERIM, "session_time": 60},
])
def test_no_adoption_of_a_session_that_is_not_meant(connection, difference):
    key = authorise(connection, calling_station_id="555-0199")
    assert str(key) not in adopted(connection, **difference)
    assert session(connection, key)["state"] == "authorised"
    assert holder(connection, "10.0.8.1") == key


@pytest.mark.parametrize("status", [START, INTERIM, STOP])
def test_the_first_packet_adopts_whatever_it_is(connection, status):
    key = authorise(connection)
    assert adopted(connection, status=status, session_time=1, framed_address="10.0.8.1") == [str(key)]
    assert holder(connection, "10.0.8.1") == (None if status == STOP else key)


def test_two_names_in_one_batch_adopt_one_session_each(connection):
    keys = {str(authorise(connection, login="many@isp.example", address=f"10.0.8.{i}")) for i in (1, 2)}
    account(connection, *[packet(START, 6, login="many@isp.example", framed_address=f"10.0.8.{i}", acct_session_id=str(i))
                          for i in (1, 2)],
            packet(START, 6, login="many@isp.example", acct_session_id="3"))
    made = {s["session_key"] for s in sessions(connection)}
    assert len(made) == 3 and keys < made


def test_sessions_with_one_name_without_class_in_one_batch(connection):
    """Three sessions of one user dialled in one second by a NAS that names them all alike and returns no Class."""
    keys = [authorise(connection, login="many@isp.example", address=f"10.0.8.{i}", nas_port=i) for i in (1, 2, 3)]
    packets = [packet(status, when, login="many@isp.example", acct_session_id=LITERAL, nas_port=i,
                      framed_address=f"10.0.8.{i}", session_time=when - 6 if status != START else None)
               for i in (1, 2, 3) for status, when in ((START, 6), (INTERIM, 66), (STOP, 70 + i))]
    for order in itertools.islice(itertools.permutations(packets), 0, None, 50000):
        account(connection, *order)
    made = sessions(connection, "nas_port")
    assert [(s["session_key"], s["stopped_at"]) for s in made] == [
        (str(key), at(70 + i).isoformat()) for i, key in enumerate(keys, 1)]


def test_a_late_start_without_class_after_expiry(connection):
    key = authorise(connection)
    expire(connection, key, 60)
    account(connection, packet(START, 90, framed_address="10.0.8.1"))
    (made,) = [s for s in sessions(connection) if s["state"] == "active"]
    assert str(holder(connection, "10.0.8.1")) == made["session_key"] and made["flags"] == []


def test_packets_that_name_one_session_in_two_ways_in_one_batch(connection):
    key = authorise(connection)
    results = account(connection, packet(START, 5, class_key=key), packet(INTERIM, 65, session_time=60),
                      packet(STOP, 95, class_key=key, session_time=90), packet(START, 300))
    assert [matched for _, matched, _ in results] == [True, None, True, None]
    old, young = sessions(connection)
    assert (old["session_key"], old["session_time"], old["state"]) == (str(key), 90, "closed")
    assert (young["started_at"], young["state"]) == (at(300).isoformat(), "active")
    assert value(connection, "select count(*) from poprad.session_alias") == 2
