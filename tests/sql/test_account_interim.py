# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The short way of an Interim-Update: it writes what account() would write, or nothing and returns no row."""

import pytest

from support.accounting import (COLUMNS, INTERIM, NAMES, START, STOP, account, at, authorise, new_key, packet, provider, rows,
                                session, value)
from support.batch import column

SHORT = ["class_key", "nas_id", "acct_session_id", "login", "fingerprint", "event_at", "received_at", "session_time",
         "in_octets", "out_octets", "in_packets", "out_packets"]
KINDS = dict(COLUMNS)
STATEMENT = ("select * from poprad.account_interim("
             + ", ".join(f"%({name})s::{KINDS[name]}[]" for name in SHORT) + ") order by 1")
COUNTED = dict(session_time=600, in_octets=1000, out_octets=5000, in_packets=10, out_packets=20)


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


def account_interim(connection, *packets):
    """Which of the packets were written, counted from 1."""
    packets = [{**one, **{name: one[name] or "" for name in NAMES}} for one in packets]
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, {name: column(packets, name) for name in SHORT})
        return [ord for ord, in cursor.fetchall()]


def start(connection, name="00000001", when=10, **values):
    """A session with a fingerprint of 7; returns its key."""
    account(connection, packet(START, when, acct_session_id=name, fingerprint=7, **values))
    return value(connection, "select session_key from poprad.session where acct_session_id = %s", name)


def interim(when=610, **values):
    return packet(INTERIM, when, **{**COUNTED, "fingerprint": 7, **values})


def essence(connection, key):
    row = session(connection, key)
    return {name: row[name] for name in row if name not in ("session_key", "acct_session_id")}


@pytest.mark.parametrize("values", [
    {}, {"session_time": None}, {"in_octets": None, "out_octets": None}, {"in_packets": None, "out_packets": None},
    {"received_at": at(700)}, {"received_at": at(5)}, {"session_time": 0, "when": 10, "out_octets": 2**31},
    {"session_time": 2**62}], ids=str)
def test_writes_what_account_would_write(connection, values):
    short, long = start(connection, "short"), start(connection, "long", login="other@isp.example")
    rows(connection, "update poprad.session set user_name = '', subscriber_id = null")
    assert account_interim(connection, interim(acct_session_id="short", **values)) == [1]
    verdict, = account(connection, interim(acct_session_id="long", login="other@isp.example", **values))
    assert verdict[0] == "recorded"
    rows(connection, "update poprad.session set user_name = ''")
    assert essence(connection, short) == essence(connection, long)


@pytest.mark.parametrize("values", [
    {"fingerprint": 8}, {"fingerprint": None}, {"login": "other@isp.example"}, {"login": ""}, {"acct_session_id": "00000002"},
    {"nas_id": 2}, {"when": 10}, {"when": 9}, {"session_time": 601}, {"in_octets": 0, "when": 20, "session_time": 1},
    {"session_time": 1}, {"out_octets": 4}, {"class_key": new_key()}], ids=str)
def test_leaves_alone_what_is_not_plain(connection, values):
    key = start(connection, session_time=0)
    assert account_interim(connection, interim(when=20, session_time=5, in_octets=1, out_octets=5)) == [1]
    before = essence(connection, key)
    assert account_interim(connection, interim(**values)) == []
    assert essence(connection, key) == before


def test_by_class(connection):
    key = authorise(connection)
    account(connection, packet(START, 10, class_key=key, fingerprint=7))
    assert account_interim(connection, interim(class_key=key, login="", acct_session_id="")) == [1]
    assert session(connection, key)["in_octets"] == 1000
    # of another device that knows it
    assert account_interim(connection, interim(when=1210, class_key=key, nas_id=2)) == []


@pytest.mark.parametrize("change", [
    "state = 'closed'", "state = 'authorised'", "flags = '{address_conflict}'", "fingerprint = null"])
def test_of_an_active_sound_session_only(connection, change):
    start(connection)
    rows(connection, f"update poprad.session set {change}")
    assert account_interim(connection, interim()) == []


def test_a_name_that_two_sessions_have_is_none(connection):
    key = start(connection)
    rows(connection, "insert into poprad.session_alias select %s, nas_id, acct_session_id, login from poprad.session_alias",
         new_key())
    assert account_interim(connection, interim()) == []
    assert session(connection, key)["in_octets"] == 0


def test_of_two_packets_of_a_session_one_is_written(connection):
    key = start(connection)
    written = account_interim(connection, interim(), interim(when=1210, session_time=1200, in_octets=2000))
    assert len(written) == 1
    assert session(connection, key)["in_octets"] == [1000, 2000][written[0] - 1]


def test_the_newest_record_gives_the_fingerprint(connection):
    key = start(connection)
    account(connection, interim(when=1210, fingerprint=8, nas_port=9, session_time=1200))
    assert session(connection, key)["fingerprint"] == 8
    # An older one that came late says nothing of how things are now.
    account(connection, interim(when=1200, fingerprint=9, nas_port_id="9", session_time=1190, received_at=at(1300)))
    assert session(connection, key)["fingerprint"] is None
    account(connection, packet(STOP, 1220, fingerprint=10))
    assert session(connection, key)["fingerprint"] == 10


OPENING = {
    "Start": packet(START, 10, connect_info="56000", nas_ip_address="10.0.3.7", nas_identifier="bank-7", nas_port=7,
                    nas_port_id="7/7", nas_port_type="Async", calling_station_id="5550100", called_station_id="5550199",
                    service_type="Framed-User", framed_protocol="PPP", authentic="RADIUS", acct_multi_session_id="m",
                    fingerprint=3),
    "Start of IPv6": packet(START, 10, framed_ipv6_address="2001:db8::1", framed_ipv6_prefix="2001:db8::/64",
                            framed_interface_id="::1", delegated_ipv6_prefix="2001:db8:7::/56", framed_address="10.99.0.1"),
    "bare Start": packet(START, 10),
    "Start with absurd counters": packet(START, 10, session_time=-1, in_octets=-5, out_octets=-6, in_packets=-7,
                                         out_packets=-8),
    "interim": packet(INTERIM, 610, connect_info="56000", **COUNTED),
    "Stop": packet(STOP, 910, connect_info="31200", terminate_cause="User-Request", has_gigawords=True, **COUNTED),
    "bare Stop": packet(STOP, 910),
}


@pytest.mark.parametrize("name", OPENING)
def test_a_session_opened_is_an_empty_one_with_its_first_packet(connection, name):
    """account_open() against account_fold(), which finds an empty row."""
    one = {**OPENING[name], "login": "nobody", "user_name": "nobody"}
    empty = new_key()
    rows(connection, """insert into poprad.session (session_key, state, nas_id, nas_address, user_name)
        values (%s, 'authorised', 1, '10.0.3.1', 'nobody')""", empty)
    opened = {**one, "new_key": new_key(), "acct_session_id": "opened"}
    folded = {**one, "new_key": new_key(), "acct_session_id": "folded", "class_key": empty}
    assert [verdict for verdict, _, _ in account(connection, opened, folded)] == ["recorded"] * 2
    assert essence(connection, opened["new_key"]) == essence(connection, empty)
    assert value(connection, "select count(*) from poprad.session_alias where login = 'nobody'") == 2
