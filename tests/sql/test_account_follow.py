# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Packets that simply follow one another are written by short statements. They leave the same row as account_fold(), which
writes the whole batch if one packet in it is of another kind."""

import pytest

from support.accounting import INTERIM, START, STOP, account, at, authorise, new_key, packet, provider, rows, session, value

LINE = dict(nas_ip_address="10.0.3.7", nas_identifier="bank-7", nas_port=7, nas_port_id="7/7", nas_port_type="Async",
            calling_station_id="5550100", called_station_id="5550199", service_type="Framed-User", framed_protocol="PPP",
            authentic="RADIUS", acct_multi_session_id="m")
V6 = dict(framed_ipv6_address="2001:db8::1", framed_ipv6_prefix="2001:db8::/64", framed_interface_id="::1",
          delegated_ipv6_prefix="2001:db8:7::/56")
COUNTED = dict(session_time=600, in_octets=1000, out_octets=5000, in_packets=10, out_packets=20)
ENDED = dict(session_time=900, in_octets=1500, out_octets=5000, in_packets=9, out_packets=25, terminate_cause="User-Request",
             connect_info="31200")

FIRST = {
    "Start": packet(START, 10, connect_info="56000", **LINE, **V6),
    "bare Start": packet(START, 10),
    "Start with counters": packet(START, 10, framed_address="10.0.8.1", has_gigawords=True, **COUNTED),
    "Start with negative counters": packet(START, 10, session_time=-1, in_octets=-5, out_octets=-6, in_packets=-7,
                                           out_packets=-8),
    "Start at another address": packet(START, 10, framed_address="10.0.8.19", **LINE),
    "interim": packet(INTERIM, 610, connect_info="56000", **COUNTED, **LINE),
    "Stop": packet(STOP, 910, framed_address="10.0.8.1", **ENDED, **LINE),
}
NEXT = {
    "interim": packet(INTERIM, 610, **COUNTED),
    "interim that tells of the line": packet(INTERIM, 610, connect_info="56000", **COUNTED, **LINE),
    "interim of the same second": packet(INTERIM, 10, session_time=0, in_octets=7, out_octets=2**31),
    "interim of the same second, counted much": packet(INTERIM, 10, in_octets=7, out_octets=2**31 + 1),
    "interim that began earlier": packet(INTERIM, 610, session_time=605, in_octets=1),
    "Stop": packet(STOP, 910, **ENDED, **LINE),
    "bare Stop": packet(STOP, 910),
    "Stop of the same second": packet(STOP, 10, session_time=0, terminate_cause="Lost-Carrier"),
    "second Start": packet(START, 20, connect_info="28800", **LINE),
    "counters that fell": packet(INTERIM, 610, session_time=600, in_octets=-1, out_octets=0),
    "another address": packet(INTERIM, 610, framed_address="10.0.8.19"),
    "another prefix": packet(INTERIM, 610, **V6),
}
BEFORE = {"bare": packet(START, 10), "full": packet(START, 10, connect_info="56000", in_octets=0, **{**LINE, "nas_port": 8})}
OWN = ("session_key", "acct_session_id", "class", "closed_at", "user_name", "subscriber_id", "nas_id", "address")


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


def essence(connection, name):
    key = value(connection, "select session_key from poprad.session where acct_session_id = %s", name)
    row = session(connection, key)
    row["is_leased"] = value(connection, "select count(*) from poprad.address where session_key = %s", key)
    return {column: row[column] for column in row if column not in OWN}


def alone(connection, one):
    assert account(connection, one)[0][0] == "recorded"


def beside_another(connection, one):
    """One whose counters fall is for account_fold()."""
    key = authorise(connection, login="many@isp.example", address=None)
    other = dict(class_key=key, login="many@isp.example", acct_session_id=f"other {key}")
    account(connection, packet(START, 5, in_octets=100, **other))
    assert [answer[0] for answer in account(connection, packet(INTERIM, 65, in_octets=50, **other), one)] == ["flagged", "recorded"]


def forget(connection):
    rows(connection, "truncate poprad.session, poprad.session_alias; update poprad.address set session_key = null")


def identified(connection, way, one, name):
    """The packet as one of a session that has a Class, of one that is adopted, or of one that nobody authorised."""
    made = {**one, "new_key": new_key(), "acct_session_id": name}
    if way == "unknown":
        return {**made, "login": "nobody", "user_name": "nobody"}
    key = authorise(connection, nas_port=7 if one["nas_port"] is None else one["nas_port"], authorised_at=at(0))
    return {**made, "class_key": key if way == "Class" else None}


@pytest.mark.parametrize("way", ["Class", "adopted", "unknown"])
def test_first_packet(connection, way):
    for name, one in FIRST.items():
        found = []
        for write in (alone, beside_another):
            forget(connection)
            write(connection, identified(connection, way, one, "it"))
            found.append(essence(connection, "it"))
            assert value(connection, "select count(*) from poprad.session_alias where acct_session_id = 'it'") == 1
        assert found[0] == found[1], name


@pytest.mark.parametrize("way", ["Class", "adopted", "unknown"])
@pytest.mark.parametrize("before", BEFORE)
def test_next_packet(connection, way, before):
    for name, one in NEXT.items():
        found = []
        for write in (alone, beside_another):
            forget(connection)
            start = identified(connection, way, BEFORE[before], "it")
            account(connection, start)
            one = {**one, **{column: start[column] for column in ("acct_session_id", "class_key", "login", "user_name")}}
            write(connection, one)
            found.append(essence(connection, "it"))
            assert account(connection, one)[0][0] == "repeat"
        assert found[0] == found[1], name


def test_kinds(connection):
    """Which packets need not be folded, so that the tests above compare what they mean to."""
    key = authorise(connection)
    account(connection, packet(START, 10, class_key=key, **LINE))
    found = {name: value(connection, """
        select poprad.account_kind(s, %s::smallint, %s::inet, %s, %s, %s, %s, %s::inet, %s::inet, %s::inet, %s, %s::inet, %s,
            %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) from poprad.session s""", *[one[column] for column in (
                "status", "nas_ip_address", "nas_identifier", "acct_multi_session_id", "user_name", "class",
                "framed_address", "framed_ipv6_address", "framed_ipv6_prefix", "framed_interface_id",
                "delegated_ipv6_prefix", "nas_port", "nas_port_id", "nas_port_type", "calling_station_id",
                "called_station_id", "service_type", "framed_protocol", "authentic", "connect_info", "event_at",
                "session_time", "in_octets", "out_octets")]) for name, one in NEXT.items()}
    assert found == {
        "interim": "counters", "interim that tells of the line": "next", "interim of the same second": "counters",
        "interim of the same second, counted much": "other", "interim that began earlier": "next", "Stop": "next",
        "bare Stop": "next", "Stop of the same second": "next", "second Start": "next", "counters that fell": "other",
        "another address": "other", "another prefix": "other"}
