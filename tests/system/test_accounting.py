# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Accounting from the wire to radius.radacct, with the habits of real NASes."""
import time

import pytest

from support.poprad import wait_for
from support.radius import *

GIGA = 2**32


def radacct(server, columns, session_id):
    return server.sql(f"select {columns} from radius.radacct where acctsessionid = '{session_id}' order by acctstarttime")


def lease(server, address):
    """The key of the session that holds the address, or ''."""
    return server.value(f"select coalesce(session_key::text, '') from poprad.address where address = '{address}'")


@pytest.fixture
def online(server, client, subscriber):
    """A subscriber that has logged in: (login, accept). NAS-Port is the same in login and accounting."""
    def log_in(port=None, nas=client):
        login, password = subscriber()
        accept = nas.login(login, password, [] if port is None else [(NAS_PORT, port)])
        assert accept.code == ACCESS_ACCEPT
        return login, accept
    return log_in


def session_pairs(accept, port=None):
    pairs = [(CLASS, accept.one(CLASS)), (FRAMED_IP_ADDRESS, accept.one(FRAMED_IP_ADDRESS))]
    return pairs if port is None else [*pairs, (NAS_PORT, port)]


def test_start_interim_and_stop_make_one_row(server, client, online):
    login, accept = online(port=101)
    base = session_pairs(accept, 101)
    assert client.account(START, "whole-1", login, base).code == ACCOUNTING_RESPONSE
    assert radacct(server, "username, framedipaddress, acctstoptime is null", "whole-1") == [(login, accept.address(), "t")]
    counters = [(ACCT_SESSION_TIME, 600), (ACCT_INPUT_OCTETS, 1000), (ACCT_INPUT_GIGAWORDS, 2), (ACCT_OUTPUT_OCTETS, 7)]
    assert client.account(INTERIM, "whole-1", login, [*base, *counters]).code == ACCOUNTING_RESPONSE
    assert radacct(server, "acctsessiontime, acctinputoctets, acctoutputoctets", "whole-1") == [
        ("600", str(2 * GIGA + 1000), "7")]
    assert lease(server, accept.address()) != ""
    final = [(ACCT_SESSION_TIME, 900), (ACCT_INPUT_OCTETS, 5), (ACCT_INPUT_GIGAWORDS, 3), (ACCT_OUTPUT_OCTETS, 9),
             (ACCT_TERMINATE_CAUSE, 1)]
    assert client.account(STOP, "whole-1", login, [*base, *final]).code == ACCOUNTING_RESPONSE
    assert radacct(server, "acctsessiontime, acctinputoctets, acctoutputoctets, acctterminatecause, acctstoptime is null",
                   "whole-1") == [("900", str(3 * GIGA + 5), "9", "User-Request", "f")]
    assert lease(server, accept.address()) == ""


def test_a_retransmitted_record_counts_once(server, client, online):
    login, accept = online()
    data = client.accounting_request([(ACCT_STATUS_TYPE, START), (ACCT_SESSION_ID, "twice"), (USER_NAME, login),
                                      *session_pairs(accept)])
    first = client.exchange(data, server.acct_port)
    assert client.exchange(data, server.acct_port).data == first.data
    # a NAS that raises Acct-Delay-Time sends the same event under a new authenticator
    assert client.account(START, "twice", login, [*session_pairs(accept), (ACCT_DELAY_TIME, 4)]) is not None
    assert len(radacct(server, "1", "twice")) == 1


def test_records_in_reverse_order_make_the_same_row(server, client, online):
    login, accept = online()
    now = int(time.time())
    base = session_pairs(accept)
    for status, pairs in (
            (STOP, [(EVENT_TIMESTAMP, now), (ACCT_SESSION_TIME, 50), (ACCT_INPUT_OCTETS, 500), (ACCT_TERMINATE_CAUSE, 1)]),
            (INTERIM, [(EVENT_TIMESTAMP, now - 20), (ACCT_SESSION_TIME, 30), (ACCT_INPUT_OCTETS, 300)]),
            (START, [(EVENT_TIMESTAMP, now - 50)])):
        assert client.account(status, "reverse", login, [*base, *pairs]).code == ACCOUNTING_RESPONSE
    assert radacct(server, "acctsessiontime, acctinputoctets, extract(epoch from acctstarttime)::bigint, "
                           "extract(epoch from acctstoptime)::bigint", "reverse") == [
        ("50", "500", str(now - 50), str(now))]
    assert lease(server, accept.address()) == ""


@pytest.mark.parametrize("status", [INTERIM, STOP])
def test_a_record_of_an_unknown_session_is_kept(server, client, status):
    pairs = [(ACCT_SESSION_TIME, 60), (ACCT_OUTPUT_OCTETS, 42)]
    assert client.account(status, f"unknown-{status}", "not-ours@isp.example", pairs).code == ACCOUNTING_RESPONSE
    assert radacct(server, "username, acctoutputoctets, acctsessiontime", f"unknown-{status}") == [
        ("not-ours@isp.example", "42", "60")]


def test_a_session_without_class_adopts_the_lease(server, client, online):
    login, accept = online()
    address = (FRAMED_IP_ADDRESS, accept.one(FRAMED_IP_ADDRESS))
    key = lease(server, accept.address())
    assert client.account(START, "no-class", login, [address]).code == ACCOUNTING_RESPONSE
    assert radacct(server, "framedipaddress", "no-class") == [(accept.address(),)]
    assert lease(server, accept.address()) == key
    assert server.value(f"select state from poprad.session where session_key = '{key}'") == "active"
    assert client.account(STOP, "no-class", login, [address]).code == ACCOUNTING_RESPONSE
    assert lease(server, accept.address()) == ""


def test_an_address_that_comes_with_the_interim_is_stored(server, client, online):
    login, accept = online()
    start = [(CLASS, accept.one(CLASS))]
    assert client.account(START, "late-address", login, start).code == ACCOUNTING_RESPONSE
    assert client.account(INTERIM, "late-address", login, session_pairs(accept)).code == ACCOUNTING_RESPONSE
    assert radacct(server, "framedipaddress", "late-address") == [(accept.address(),)]


def test_sessions_that_share_the_literal_id_of_pppd_stay_apart(server, client, online):
    """Debian's pppd sends this text for every session; only NAS-Port differs, and there is no Calling-Station-Id."""
    literal = "%lX6b027074%hX"
    sessions = [(port, *online(port)) for port in (301, 302, 303)]
    for port, login, accept in sessions:
        pairs = [(NAS_PORT, port), (FRAMED_IP_ADDRESS, accept.one(FRAMED_IP_ADDRESS))]
        assert client.account(START, literal, login, pairs).code == ACCOUNTING_RESPONSE
    assert len(radacct(server, "1", literal)) == 3
    port, login, accept = sessions[1]
    pairs = [(NAS_PORT, port), (FRAMED_IP_ADDRESS, accept.one(FRAMED_IP_ADDRESS)), (ACCT_SESSION_TIME, 5)]
    assert client.account(STOP, literal, login, pairs).code == ACCOUNTING_RESPONSE
    stopped = server.sql(f"select username from radius.radacct where acctsessionid = '{literal}' and acctstoptime is not null")
    assert stopped == [(login,)]
    assert [lease(server, accept.address()) != "" for _, _, accept in sessions] == [True, False, True]


def test_a_stop_and_the_next_start_may_arrive_in_the_wrong_order(server, client, subscriber):
    """The subscriber calls again at once; the NAS gives the old session's Stop a little later."""
    login, password = subscriber()
    line = [(NAS_PORT, 310)]
    first = client.login(login, password, line)
    assert client.account(START, "order-1", login, session_pairs(first, 310)).code == ACCOUNTING_RESPONSE
    second = client.login(login, password, line)
    assert second.code == ACCESS_ACCEPT
    assert client.account(START, "order-2", login, session_pairs(second, 310)).code == ACCOUNTING_RESPONSE
    stop = [*session_pairs(first, 310), (ACCT_SESSION_TIME, 1)]
    assert client.account(STOP, "order-1", login, stop).code == ACCOUNTING_RESPONSE
    assert radacct(server, "acctstoptime is null", "order-1") == [("f",)]
    assert radacct(server, "acctstoptime is null", "order-2") == [("t",)]
    assert lease(server, second.address()) != ""


def test_accounting_on_closes_the_sessions_of_that_device_only(server, make_client, online):
    rebooted, other = make_client(server, "127.0.50.1"), make_client(server, "127.0.50.2")
    sessions = []
    for number, nas in enumerate((rebooted, rebooted, other)):
        login, accept = online(nas=nas)
        assert nas.account(START, f"boot-{number}", login, session_pairs(accept)).code == ACCOUNTING_RESPONSE
        sessions.append(accept)
    data = rebooted.accounting_request([(ACCT_STATUS_TYPE, ACCOUNTING_ON), (NAS_IP_ADDRESS, ipaddr("127.0.50.1")),
                                        (EVENT_TIMESTAMP, int(time.time()) + 2)])
    assert rebooted.exchange(data, server.acct_port).code == ACCOUNTING_RESPONSE
    assert server.sql("select acctsessionid, acctterminatecause from radius.radacct where acctsessionid like 'boot-%' "
                      "and acctstoptime is not null order by 1") == [("boot-0", "NAS-Reboot"), ("boot-1", "NAS-Reboot")]
    assert [lease(server, accept.address()) != "" for accept in sessions] == [False, False, True]


def test_a_class_of_another_subscriber_is_ignored(server, client, online):
    login, accept = online()
    other_login, other_accept = online()
    before = server.counter("class_ignored")
    pairs = [(CLASS, other_accept.one(CLASS)), (FRAMED_IP_ADDRESS, accept.one(FRAMED_IP_ADDRESS))]
    assert client.account(START, "stolen-class", login, pairs).code == ACCOUNTING_RESPONSE
    assert server.counter("class_ignored") == before + 1
    assert radacct(server, "username", "stolen-class") == [(login,)]
    assert server.value(f"""select state from poprad.session s join poprad.address a using (session_key)
        where a.address = '{other_accept.address()}'""") == "authorised"


def test_a_class_among_others_is_found_and_a_broken_one_is_counted(server, client, online):
    login, accept = online()
    before = server.counter("class_ignored")
    broken = accept.one(CLASS)[:-1] + (b"0" if accept.one(CLASS)[-1:] != b"0" else b"1")
    pairs = [(CLASS, b"somebody else's"), (CLASS, accept.one(CLASS))]
    assert client.account(START, "many-classes", login, pairs).code == ACCOUNTING_RESPONSE
    assert radacct(server, "framedipaddress is not null or true, class", "many-classes")[0][1] == accept.text(CLASS)
    assert server.counter("class_ignored") == before
    assert client.account(START, "broken-class", login, [(CLASS, broken)]).code == ACCOUNTING_RESPONSE
    assert server.counter("class_ignored") == before + 1


def test_radacct_has_the_columns_that_billing_tools_know(server):
    columns = [name for name, in server.sql(
        "select column_name from information_schema.columns where table_schema = 'radius' and table_name = 'radacct' "
        "order by ordinal_position")]
    assert columns == [
        "radacctid", "acctsessionid", "acctuniqueid", "username", "realm", "nasipaddress", "nasportid", "nasporttype",
        "acctstarttime", "acctupdatetime", "acctstoptime", "acctinterval", "acctsessiontime", "acctauthentic",
        "connectinfo_start", "connectinfo_stop", "acctinputoctets", "acctoutputoctets", "calledstationid",
        "callingstationid", "acctterminatecause", "servicetype", "framedprotocol", "framedipaddress",
        "framedipv6address", "framedipv6prefix", "framedinterfaceid", "delegatedipv6prefix", "class"]


def test_a_session_closed_by_the_operator_gives_its_address_back(server, client, online):
    login, accept = online()
    assert client.account(START, "stuck", login, session_pairs(accept)).code == ACCOUNTING_RESPONSE
    key = lease(server, accept.address())
    server.ctl("session", "close", key)
    assert lease(server, accept.address()) == ""
    assert radacct(server, "acctstoptime is null", "stuck") == [("f",)]


def test_radclient_start_without_an_address_is_recorded(server):
    """The line that quickstart prints."""
    import subprocess
    line = 'User-Name="demo@isp.example",Acct-Status-Type=Start,Acct-Session-Id="quickstart-1",NAS-Port=0\n'
    done = subprocess.run(["radclient", "-x", f"127.0.0.1:{server.acct_port}", "acct", "testing123"], input=line, text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0 and "Received Accounting-Response" in done.stdout, done.stdout + done.stderr
    assert radacct(server, "username", "quickstart-1") == [("demo@isp.example",)]


def test_counters_that_fall_or_jump_are_flagged(server, client, online):
    before = server.counter("counters_flagged")
    for name, samples in (("fell", [(600, 3, 0), (1200, 1, 0)]), ("jumped", [(600, 0, 5), (1200, 2**20, 0)]),
                          ("honest", [(600, 0, GIGA - 1), (1200, 1, 7)])):
        login, accept = online()
        client.account(START, name, login, session_pairs(accept))
        for seconds, gigawords, octets in samples:
            client.account(INTERIM, name, login, [*session_pairs(accept), (ACCT_SESSION_TIME, seconds),
                                                  (ACCT_INPUT_OCTETS, octets), (ACCT_INPUT_GIGAWORDS, gigawords)])
    assert server.counter("counters_flagged") == before + 2
    for flag, name in (("counter_fell", "fell"), ("counter_jumped", "jumped")):
        (listed,) = [row for row in server.ctl_json("session", "list", "--flag", flag) if row["acct_session_id"] == name]
        assert listed["flags"] == [flag]
    assert radacct(server, "acctinputoctets", "fell") == [(str(3 * GIGA),)]
