# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Packets that touch no session, the rights around accounting, and the view for tools written for FreeRADIUS."""

import psycopg2
import pytest

from support.accounting import (INTERIM, START, STOP, account, at, authorise, device, expire, into_history, new_key,
                                packet, provider, rows, value)

# FreeRADIUS 3.2's radacct for PostgreSQL.
RADACCT = [
    ("radacctid", "bigint"), ("acctsessionid", "text"), ("acctuniqueid", "text"), ("username", "text"),
    ("realm", "text"), ("nasipaddress", "inet"), ("nasportid", "text"), ("nasporttype", "text"),
    ("acctstarttime", "timestamp with time zone"), ("acctupdatetime", "timestamp with time zone"),
    ("acctstoptime", "timestamp with time zone"), ("acctinterval", "bigint"), ("acctsessiontime", "bigint"),
    ("acctauthentic", "text"), ("connectinfo_start", "text"), ("connectinfo_stop", "text"),
    ("acctinputoctets", "bigint"), ("acctoutputoctets", "bigint"), ("calledstationid", "text"),
    ("callingstationid", "text"), ("acctterminatecause", "text"), ("servicetype", "text"), ("framedprotocol", "text"),
    ("framedipaddress", "inet"), ("framedipv6address", "inet"), ("framedipv6prefix", "inet"),
    ("framedinterfaceid", "text"), ("delegatedipv6prefix", "inet"), ("class", "text"),
]


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


def test_other_packets_are_stored_once(connection):
    keys = [new_key(), new_key()]
    for _ in range(2):
        assert rows(connection, """
            select ord from poprad.account_other(%s, array['Tunnel-Start', '15'], array[1, 1],
                array['10.0.3.1', '10.0.3.1']::inet[], array['demo', null], array['7', null], array[%s, %s])""",
                    keys, at(1), at(2)) == [(1,), (2,)]
    assert rows(connection, "select event_key, status_type, user_name from poprad.accounting_other order by 1") == [
        (keys[0], "Tunnel-Start", "demo"), (keys[1], "15", None)]


def test_refused_packets_are_stored_once(connection):
    for second in (1, 9):  # the NAS sends it again when its answer has been forgotten already
        assert rows(connection, """
            select ord from poprad.quarantine(array[%s, %s], array['10.0.3.1', '10.0.3.1']::inet[],
                array['22P05: no', '22P05: no'], array['04', repeat('ff', 4096)],
                array['01', '02'])""", at(second), at(second)) == [(1,), (2,)]
    assert rows(connection, "select reason, length(packet), event from poprad.accounting_quarantine order by packet") == [
        ("22P05: no", 2, "01"), ("22P05: no", 8192, "02")]


def test_empty_batches(connection):
    assert account(connection) == []
    assert rows(connection, "select * from poprad.quarantine('{}', '{}', '{}', '{}', '{}')") == []
    assert rows(connection, "select * from poprad.account_other('{}', '{}', '{}', '{}', '{}', '{}', '{}')") == []
    assert rows(connection, "select * from poprad.account_device('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')") == []


def test_the_daemon_needs_no_more_than_the_functions(connection, database):
    key = authorise(connection)
    server = database.connect("poprad_server")
    account(server, packet(START, 5, class_key=key), packet(STOP, 60, login="nobody"), packet(INTERIM, 65, login="x"))
    assert device(server, 7, 100) == (2, None)
    rows(connection, "update poprad.session set closed_at = closed_at - interval '2 hours'")
    assert value(server, "select moved from poprad.move_closed(array[500])") == 3
    for forbidden in ("select * from poprad.session", "select * from radius.radacct",
                      "select * from poprad.account_session(null)", "select poprad.session_to_history('{}', null)",
                      "select poprad.account_limit('{}')"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            rows(server, forbidden)


def test_radacct_has_the_columns_and_types(connection):
    assert rows(connection, """
        select column_name::text, data_type::text from information_schema.columns
        where table_schema = 'radius' and table_name = 'radacct' order by ordinal_position""") == RADACCT


def test_radacct_over_open_and_closed_sessions(connection, database):
    key = authorise(connection)
    authorise(connection, address="10.0.8.2")
    expire(connection, authorise(connection, address="10.0.8.3"), 60)
    account(connection, packet(START, 5, class_key=key, nas_ip_address="10.0.3.7", nas_port=17),
            packet(STOP, 10, login="info@other@isp.example", acct_session_id="b", nas_port_id="slot 1",
                   framed_ipv6_prefix="2001:db8:1::/64", terminate_cause="Idle-Timeout", in_octets=2**40,
                   has_gigawords=True),
            packet(START, 11, login="plain", acct_session_id="c"))
    assert into_history(connection) == 2
    tool = database.connect("poprad_tools")
    assert rows(tool, """
        select acctsessionid, username, realm, nasipaddress, nasportid, acctstarttime, acctstoptime, acctinputoctets,
            acctterminatecause, framedipaddress, framedipv6prefix
        from radius.radacct order by acctstarttime""") == [
        ("00000001", "demo@isp.example", "isp.example", "10.0.3.7", "17", at(5), None, 0, None, "10.0.8.1", None),
        ("b", "info@other@isp.example", "isp.example", "10.0.3.1", "slot 1", at(10), at(10), 2**40, "Idle-Timeout",
         None, "2001:db8:1::/64"),
        ("c", "plain", None, "10.0.3.1", None, at(11), None, 0, None, None, None)]
    identifiers = rows(tool, "select radacctid, acctuniqueid from radius.radacct")
    assert len({one for one, _ in identifiers}) == 3 and all(0 < one < 2**63 for one, _ in identifiers)
    assert key.hex in {unique for _, unique in identifiers} and all(len(unique) == 32 for _, unique in identifiers)
    # the identifiers survive the move
    account(connection, packet(STOP, 20, class_key=key, session_time=15))
    assert into_history(connection) == 1
    assert sorted(rows(tool, "select radacctid, acctuniqueid from radius.radacct")) == sorted(identifiers)


def test_radacct_uses_the_indexes_of_history(connection):
    account(connection, packet(STOP, 10, login="nobody"))
    assert into_history(connection) == 1
    rows(connection, "set enable_seqscan = off")
    plan = "\n".join(line for line, in rows(connection, """
        explain select sum(acctsessiontime) from radius.radacct
        where username = 'nobody' and acctstarttime >= '2026-03-01'"""))
    assert "session_history_202" in plan and "Index" in plan
