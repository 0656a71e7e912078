# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Logins: who is accepted with which attributes, and who is rejected with which words."""
import ipaddress
import os
import re
import subprocess

import pytest

from support.radius import *

POOL = [ipaddress.ip_network("10.0.8.0/21"), ipaddress.ip_network("192.168.4.0/22")]
FILTERS = ["to-general-customer-equipment.out", "from-general-customer-equipment.in"]


def in_pool(address):
    return any(ipaddress.ip_address(address) in network for network in POOL)


def radtest(server, *words, login="demo@isp.example", password="dial-up"):
    """radtest as the manual shows it; exit code and output."""
    done = subprocess.run(["radtest", *words, login, password, f"127.0.0.1:{server.auth_port}", "0", "testing123", "0",
                           "127.0.0.1"], text=True, capture_output=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("method", ["pap", "chap", "mschap"])
def test_radtest_is_accepted_with_an_address_of_the_pool_and_the_filters(server, method):
    status, output = radtest(server, "-t", method)
    assert status == 0, output
    assert "Received Access-Accept" in output
    assert in_pool(re.search(r"Framed-IP-Address = (\S+)", output)[1])
    assert re.findall(r'Filter-Id = "(.*)"', output) == FILTERS


@pytest.mark.parametrize("method", ["pap", "chap", "mschap"])
def test_radtest_with_a_wrong_password_is_rejected(server, method):
    status, output = radtest(server, "-t", method, password="dial-in")
    assert status != 0
    assert "Received Access-Reject" in output


def test_an_accept_carries_exactly_what_the_plan_says(server, client, subscriber):
    server.ctl("plan", "add", "exact", "--pool", "dynamic", "--sessions", "1", "--session-timeout", "8h", "--idle-timeout",
               "15m", "--interim", "10m", "--filter", "to-general-customer-equipment")
    login, password = subscriber("--plan", "exact")
    reply = client.login(login, password, [(NAS_PORT, 7)])
    assert reply.code == ACCESS_ACCEPT
    assert sorted(number for number, _ in reply.attributes) == sorted([
        MESSAGE_AUTHENTICATOR, SERVICE_TYPE, FRAMED_PROTOCOL, FRAMED_IP_ADDRESS, FRAMED_IP_NETMASK, FILTER_ID, CLASS,
        SESSION_TIMEOUT, IDLE_TIMEOUT, ACCT_INTERIM_INTERVAL])
    assert reply.number(SERVICE_TYPE) == 2
    assert reply.number(FRAMED_PROTOCOL) == 1
    assert in_pool(reply.address())
    assert reply.one(FRAMED_IP_NETMASK) == ipaddr("255.255.255.255")
    assert reply.filters() == ["to-general-customer-equipment.out"]
    assert reply.text(CLASS).startswith("poprad:")
    assert reply.number(SESSION_TIMEOUT) == 8 * 3600
    assert reply.number(IDLE_TIMEOUT) == 15 * 60
    assert 540 <= reply.number(ACCT_INTERIM_INTERVAL) <= 660


def test_unknown_user_and_wrong_password_look_the_same(server, client, subscriber):
    login, _ = subscriber()
    before = server.counters()
    wrong = client.login(login, "not it")
    unknown = client.login("nobody@isp.example", "not it")
    after = server.counters()
    assert wrong.code == unknown.code == ACCESS_REJECT
    assert wrong.text(REPLY_MESSAGE) == unknown.text(REPLY_MESSAGE) == "Login incorrect"
    assert [number for number, _ in wrong.attributes] == [number for number, _ in unknown.attributes]
    assert after["reject_wrong_password"] == before["reject_wrong_password"] + 1
    assert after["reject_unknown_subscriber"] == before["reject_unknown_subscriber"] + 1


def test_a_static_subscriber_gets_the_static_address(client):
    reply = client.login("static@isp.example", "fixed-line", [(NAS_PORT, 70)])
    assert reply.code == ACCESS_ACCEPT
    assert reply.address() == "10.0.4.10"


def test_a_suspended_subscriber_is_rejected_until_resumed(server, client, subscriber):
    login, password = subscriber()
    server.ctl("subscriber", "suspend", login)
    reply = client.login(login, password)
    assert (reply.code, reply.text(REPLY_MESSAGE)) == (ACCESS_REJECT, "Account suspended")
    server.ctl("subscriber", "resume", login)
    assert client.login(login, password).code == ACCESS_ACCEPT


def test_an_expired_subscriber_is_rejected(client, subscriber):
    login, password = subscriber("--expires", "2001-01-01")
    reply = client.login(login, password)
    assert (reply.code, reply.text(REPLY_MESSAGE)) == (ACCESS_REJECT, "Account expired")


def test_a_near_expiry_cuts_the_session(client, subscriber, server):
    server.ctl("plan", "add", "long", "--pool", "dynamic", "--session-timeout", "8h")
    login, password = subscriber("--plan", "long")
    server.sql(f"update poprad.subscriber set expires_at = now() + interval '1 hour' where login = '{login}'")
    assert 3300 < client.login(login, password).number(SESSION_TIMEOUT) <= 3600


def test_the_realm_compares_without_case_and_the_user_exactly(client, subscriber):
    login, password = subscriber()
    user, realm = login.split("@")
    assert client.login(f"{user}@{realm.upper()}", password).code == ACCESS_ACCEPT
    assert client.login(f"{user.upper()}@{realm}", password).code == ACCESS_REJECT


def test_one_user_name_in_two_realms_is_two_subscribers(server, client):
    server.ctl("subscriber", "add", "info@isp-a.example", "--password", "first", "--plan", "dialup")
    server.ctl("subscriber", "add", "info@isp-b.example", "--password", "second", "--plan", "dialup")
    assert client.login("info@isp-a.example", "first").code == ACCESS_ACCEPT
    assert client.login("info@isp-b.example", "second").code == ACCESS_ACCEPT
    assert client.login("info@isp-a.example", "second").code == ACCESS_REJECT


def test_extra_attributes_of_plan_and_subscriber_are_sent(server, client, subscriber):
    server.ctl("plan", "add", "extras", "--pool", "dynamic", "--attribute", "Cisco-AVPair = ip:outacl=101")
    login, password = subscriber("--plan", "extras", "--attribute", "Framed-MTU = 1400")
    reply = client.login(login, password)
    assert reply.vendor(9, 1) == b"ip:outacl=101"
    assert reply.number(12) == 1400


def test_an_attribute_that_the_dictionary_does_not_know_is_refused_when_entered(server):
    status, _, errors = server.run("plan", "add", "bad-extras", "--pool", "dynamic", "--attribute", "No-Such-Thing = 1")
    assert status in (1, 2)
    assert "No-Such-Thing" in errors


def test_authenticate_only_leases_nothing(server, client, subscriber):
    login, password = subscriber()
    reply = client.login(login, password, [(SERVICE_TYPE, 8)])
    assert reply.code == ACCESS_ACCEPT
    assert reply.all(FRAMED_IP_ADDRESS) == []
    assert server.value(f"select count(*) from poprad.session where user_name = '{login}'") == "0"


@pytest.mark.parametrize("service", [1, 6, 7])
def test_a_subscriber_may_not_log_in_to_the_router(server, client, subscriber, service):
    login, password = subscriber()
    before = server.counter("reject_service_not_allowed")
    assert client.login(login, password, [(SERVICE_TYPE, service)]).code == ACCESS_REJECT
    assert server.counter("reject_service_not_allowed") == before + 1


def test_a_request_without_credential_is_rejected_with_its_reason(server, client, subscriber):
    login, _ = subscriber()
    before = server.counter("reject_no_credential")
    data = client.access_request([(USER_NAME, login)])
    assert client.exchange(data, server.auth_port).code == ACCESS_REJECT
    assert server.counter("reject_no_credential") == before + 1


def test_local_eap_is_rejected_with_its_reason(server, client, subscriber):
    login, _ = subscriber()
    before = server.counter("reject_eap_unsupported")
    identity = b"\x02\x01\x00\x09\x01demo"
    data = client.access_request([(USER_NAME, login), (EAP_MESSAGE, identity)], sign=True)
    assert client.exchange(data, server.auth_port).code == ACCESS_REJECT
    assert server.counter("reject_eap_unsupported") == before + 1


def test_proxy_state_comes_back_in_order(client, subscriber):
    login, password = subscriber()
    states = [b"one", b"two", b"\x00\xff", b"one"]
    pairs = [(PROXY_STATE, states[0]), (NAS_PORT, 3), *((PROXY_STATE, state) for state in states[1:])]
    assert client.login(login, password, pairs, sign=True).all(PROXY_STATE) == states
    assert client.login(login, "wrong", pairs, sign=True).all(PROXY_STATE) == states


def test_a_retransmission_gets_the_same_octets(server, client, subscriber):
    login, password = subscriber()
    data = client.pap(login, password)
    first = client.exchange(data, server.auth_port)
    accepts = server.counter("access_accepts")
    again = client.exchange(data, server.auth_port)
    assert again.data == first.data
    assert server.counter("access_accepts") == accepts


def test_the_same_identifier_with_another_authenticator_is_a_new_request(server, client, subscriber):
    login, password = subscriber()
    first = client.login(login, "wrong", identifier=200)
    second = client.login(login, password, identifier=200)
    assert (first.code, second.code) == (ACCESS_REJECT, ACCESS_ACCEPT)


def test_the_reject_delay_holds_rejects_only(make_server, make_client):
    server = make_server(reject_delay="10s", request_deadline="60s")
    rejected, accepted = make_client(server), make_client(server)
    rejected.send(rejected.pap("demo@isp.example", "wrong"), server.auth_port)
    assert accepted.login("demo@isp.example", "dial-up", seconds=9).code == ACCESS_ACCEPT
    assert rejected.receive(0) is None
    answer = rejected.receive(60)
    assert answer is not None and answer[0] == ACCESS_REJECT


def test_replies_leave_from_the_address_the_request_went_to(make_server, make_client):
    server = make_server(listen=["0.0.0.0"])
    client = make_client(server)
    data = client.pap("demo@isp.example", "dial-up")
    for destination in ("127.0.0.1", "127.0.0.9"):
        client.socket.sendto(data, (destination, server.auth_port))
        assert client.receive(60) is not None
        client.socket.sendto(data, (destination, server.auth_port))
        _, sender = client.socket.recvfrom(4096)
        assert sender == (destination, server.auth_port)


def test_passwords_and_secrets_are_never_logged(server, client, subscriber):
    login, password = subscriber(password="a-very-secret-word")
    client.login(login, password)
    client.login(login, "another-secret-word")
    assert "secret-word" not in server.log()
    assert "testing123" not in server.log()
