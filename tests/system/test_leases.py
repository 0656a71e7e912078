# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Pools, session limits, and what becomes of sessions that were accepted but never started."""
import ipaddress

import pytest

from support.poprad import Refused, wait_for
from support.radius import *


def sessions(server, login, state):
    return int(server.value(f"""select count(*) from poprad.session s join poprad.subscriber using (subscriber_id)
        where login = '{login}' and state = '{state}'"""))


@pytest.fixture
def plan(server, request):
    """plan('--sessions', '1') makes a plan of the test's own."""
    count = 0

    def add(*words):
        nonlocal count
        count += 1
        name = f"{request.node.name.replace('[', '-').replace(']', '').replace('_', '-')[:55]}-{count}"
        server.ctl("plan", "add", name, *words)
        return name
    return add


def start(client, session_id, login, accept, pairs=()):
    reply = client.account(START, session_id, login, [
        (CLASS, accept.one(CLASS)), (FRAMED_IP_ADDRESS, accept.one(FRAMED_IP_ADDRESS)), *pairs])
    assert reply.code == ACCOUNTING_RESPONSE


def stop(client, session_id, login, accept, pairs=()):
    reply = client.account(STOP, session_id, login, [
        (CLASS, accept.one(CLASS)), (FRAMED_IP_ADDRESS, accept.one(FRAMED_IP_ADDRESS)), (ACCT_SESSION_TIME, 1), *pairs])
    assert reply.code == ACCOUNTING_RESPONSE


def test_a_pool_filled_to_the_last_address_rejects_and_serves_again_after_a_stop(server, client, subscriber, plan):
    server.ctl("pool", "add", "tiny", "100.100.0.0/29")
    name = plan("--pool", "tiny")
    accepts = []
    for number in range(6):
        login, password = subscriber("--plan", name)
        accept = wait_for(lambda: accepted(client.login(login, password)), "the new pool to serve")
        start(client, f"tiny-{number}", login, accept)
        accepts.append((login, accept))
    usable = {str(host) for host in ipaddress.ip_network("100.100.0.0/29").hosts()}
    assert {accept.address() for _, accept in accepts} == usable
    login, password = subscriber("--plan", name)
    before = server.counter("reject_pool_exhausted")
    reply = client.login(login, password)
    assert (reply.code, reply.text(REPLY_MESSAGE)) == (ACCESS_REJECT, "No address available")
    assert server.counter("reject_pool_exhausted") == before + 1
    gone_login, gone = accepts[3]
    stop(client, "tiny-3", gone_login, gone)
    accept = wait_for(lambda: accepted(client.login(login, password)), "the released address to be leased again")
    assert accept.address() == gone.address()


def accepted(reply):
    return reply if reply is not None and reply.code == ACCESS_ACCEPT else None


def test_all_addresses_of_a_range_on_demand(server, client, subscriber, plan):
    server.ctl("pool", "add", "whole", "100.101.0.0/30", "--all")
    name = plan("--pool", "whole")
    addresses = set()
    for number in range(4):
        login, password = subscriber("--plan", name)
        accept = wait_for(lambda: accepted(client.login(login, password)), "the new pool to serve")
        start(client, f"whole-range-{number}", login, accept)
        addresses.add(accept.address())
    assert addresses == {f"100.101.0.{host}" for host in range(4)}


def test_a_range_of_a_group_serves_only_that_group(server, make_client, subscriber, plan):
    server.ctl("nas", "add", "bank-7", "127.0.1.0/24", "--secret", "testing123", "--kind", "cisco", "--group", "west")
    server.ctl("pool", "add", "west-dynamic", "100.64.0.0/15", "--group", "west")
    name = plan("--pool", "west-dynamic")
    login, password = subscriber("--plan", name)
    west, elsewhere = make_client(server, "127.0.1.7"), make_client(server)
    accept = wait_for(lambda: accepted(west.login(login, password)), "the new NAS and pool to serve")
    assert ipaddress.ip_address(accept.address()) in ipaddress.ip_network("100.64.0.0/15")
    assert elsewhere.login(login, password).code == ACCESS_REJECT


def test_a_range_with_host_bits_is_refused_and_the_right_boundary_named(server):
    with pytest.raises(Refused) as refused:
        server.ctl("pool", "add", "crooked", "192.168.6.0/22")
    assert "192.168.4.0/22" in refused.value.errors


def test_a_plan_without_pool_lets_the_nas_assign_unless_the_address_is_static(server, client, subscriber, plan):
    name = plan()
    login, password = subscriber("--plan", name)
    accept = client.login(login, password)
    assert accept.code == ACCESS_ACCEPT
    assert accept.all(FRAMED_IP_ADDRESS) == []
    login, password = subscriber("--plan", name, "--static-address", "10.0.4.77")
    assert client.login(login, password).address() == "10.0.4.77"


def test_suspended_and_expired_subscribers_are_let_into_their_garden(server, client, subscriber, plan):
    garden = plan("--pool", "dynamic", "--session-timeout", "5m")
    name = plan("--suspended", garden, "--expired", garden)
    login, password = subscriber("--plan", name, "--static-address", "10.0.4.78", "--session-timeout", "8h")
    usual = client.login(login, password)
    assert (usual.address(), usual.number(SESSION_TIMEOUT)) == ("10.0.4.78", 28800)
    before = server.counter("garden_accepts")
    for change in (("suspend", login), ("set", login, "--expires", "2020-01-31")):
        server.ctl("subscriber", *change)
        accept = wait_for(lambda: accepted(client.login(login, password)), "the garden to be open")
        assert accept.address() != "10.0.4.78" and accept.number(SESSION_TIMEOUT) == 300
        assert client.login(login, "wrong").code == ACCESS_REJECT
        server.ctl("subscriber", "resume", login)
    assert server.counter("garden_accepts") == before + 2
    server.ctl("subscriber", "set", login, "--expires", "never")
    assert client.login(login, password).address() == "10.0.4.78"


def test_the_session_limit_counts_started_sessions_only(server, client, subscriber, plan):
    name = plan("--pool", "dynamic", "--sessions", "1")
    login, password = subscriber("--plan", name)
    first = client.login(login, password, [(NAS_PORT, 1)])
    second = client.login(login, password, [(NAS_PORT, 2)])
    assert first.code == second.code == ACCESS_ACCEPT, "an accepted login that never started locks nobody out"
    assert first.address() != second.address()
    start(client, "limit-1", login, second, [(NAS_PORT, 2)])
    before = server.counter("reject_session_limit")
    reply = client.login(login, password, [(NAS_PORT, 3)])
    assert (reply.code, reply.text(REPLY_MESSAGE)) == (ACCESS_REJECT, "Too many sessions")
    assert server.counter("reject_session_limit") == before + 1
    stop(client, "limit-1", login, second, [(NAS_PORT, 2)])
    assert client.login(login, password, [(NAS_PORT, 3)]).code == ACCESS_ACCEPT


def test_when_both_start_the_later_is_recorded_and_flagged(server, client, subscriber, plan):
    login, password = subscriber("--plan", plan("--pool", "dynamic", "--sessions", "1"))
    first = client.login(login, password, [(NAS_PORT, 11)])
    second = client.login(login, password, [(NAS_PORT, 12)])
    start(client, "both-1", login, first, [(NAS_PORT, 11)])
    start(client, "both-2", login, second, [(NAS_PORT, 12)])
    assert server.sql("""select acct_session_id, 'over_limit' = any(flags) from poprad.session
        where acct_session_id like 'both-%' order by 1""") == [("both-1", "f"), ("both-2", "t")]


def test_a_login_on_the_same_line_reuses_the_authorised_session(server, client, subscriber):
    login, password = subscriber()
    first = client.login(login, password, [(NAS_PORT, 21)])
    again = client.login(login, password, [(NAS_PORT, 21)])
    assert again.address() == first.address()
    assert again.one(CLASS) == first.one(CLASS)
    assert sessions(server, login, "authorised") == 1


def test_a_login_on_the_line_of_an_active_session_replaces_it(server, client, subscriber, plan):
    login, password = subscriber("--plan", plan("--pool", "dynamic", "--sessions", "1"))
    first = client.login(login, password, [(NAS_PORT, 31)])
    start(client, "replaced", login, first, [(NAS_PORT, 31)])
    second = client.login(login, password, [(NAS_PORT, 31)])
    assert second.code == ACCESS_ACCEPT
    assert second.one(CLASS) != first.one(CLASS)
    assert server.sql("select acctterminatecause from radius.radacct where acctsessionid = 'replaced'") == [
        ("Lost-Carrier",)]


def test_a_returning_subscriber_gets_the_previous_address(server, client, subscriber):
    login, password = subscriber()
    first = client.login(login, password, [(NAS_PORT, 41)])
    start(client, "return-1", login, first, [(NAS_PORT, 41)])
    stop(client, "return-1", login, first, [(NAS_PORT, 41)])
    assert client.login(login, password, [(NAS_PORT, 42)]).address() == first.address()


def test_a_static_address_moves_from_an_authorised_session_and_not_from_an_active_one(server, client, subscriber):
    login, password = subscriber("--plan", "dsl-static", "--static-address", "10.0.4.88")
    client.login(login, password, [(NAS_PORT, 51)])
    second = client.login(login, password, [(NAS_PORT, 52)])
    assert second.address() == "10.0.4.88"
    start(client, "static-1", login, second, [(NAS_PORT, 52)])
    before = server.counter("reject_static_address_in_use")
    assert client.login(login, password, [(NAS_PORT, 53)]).code == ACCESS_REJECT
    assert server.counter("reject_static_address_in_use") == before + 1
    assert client.login(login, password, [(NAS_PORT, 52)]).address() == "10.0.4.88", "the same line replaces it"


def prefix(network):
    """The value of Framed-IPv6-Prefix and Delegated-IPv6-Prefix."""
    network = ipaddress.ip_network(network)
    return bytes((0, network.prefixlen)) + network.network_address.packed


def test_static_prefixes_are_sent_shown_held_and_given_back(server, client, subscriber, plan):
    framed, delegated = "2001:db8:0:77::/64", "2001:db8:77:100::/56"
    login, password = subscriber("--plan", plan("--pool", "dynamic"), "--framed-ipv6-prefix", framed,
                                 "--delegated-ipv6-prefix", delegated)
    accept = client.login(login, password, [(NAS_PORT, 54)])
    assert accept.code == ACCESS_ACCEPT and accept.address()
    assert (accept.all(FRAMED_IPV6_PREFIX), accept.all(DELEGATED_IPV6_PREFIX)) == ([prefix(framed)], [prefix(delegated)])
    start(client, "prefixes-1", login, accept, [
        (NAS_PORT, 54), (FRAMED_IPV6_PREFIX, prefix(framed)), (DELEGATED_IPV6_PREFIX, prefix(delegated))])
    assert client.login(login, password, [(NAS_PORT, 55)]).text(REPLY_MESSAGE) == "Prefix in use"
    shown = server.ctl_json("subscriber", "show", login)
    assert (shown["framed_ipv6_prefix"], shown["delegated_ipv6_prefix"]) == (framed, delegated)
    assert shown["sessions"][0]["leased_delegated_prefix"] == delegated
    held = server.ctl_json("address", "show", delegated)
    assert (held["static_login"], held["session_key"]) == (login, shown["sessions"][0]["session_key"])
    assert f"static prefix {framed}, delegated prefix {delegated}" in server.ctl("why", login)
    assert f"Delegated-IPv6-Prefix = {delegated}" in server.ctl("filter", "preview", login, "--nas", "localhost")
    assert login in server.ctl("session", "list", "--address", "2001:db8:77:1ff::1")
    with pytest.raises(Refused, match=f"overlaps {delegated}, which is that of {login}"):
        server.ctl("subscriber", "add", "other@isp.example", "--password", "x", "--plan", "dsl-static",
                   "--framed-ipv6-prefix", "2001:db8:77:1ff::/64")
    stop(client, "prefixes-1", login, accept, [(NAS_PORT, 54)])
    assert "session_key" not in server.ctl_json("address", "show", framed) or (
        server.ctl_json("address", "show", framed)["session_key"] is None)
    server.ctl("subscriber", "set", login, "--no-framed-ipv6-prefix", "--delegated-ipv6-prefix", "2001:db8:77:200::/56")
    accept = client.login(login, password, [(NAS_PORT, 56)])
    assert (accept.all(FRAMED_IPV6_PREFIX), accept.all(DELEGATED_IPV6_PREFIX)) == ([], [prefix("2001:db8:77:200::/56")])


def test_prefixes_of_pools(server, client, subscriber, plan):
    """A /62 of four /64 and a /54 of four /56: filled, exhausted, given back, and returned to."""
    server.ctl("pool", "add", "six-lines", "2001:db8:600::/62", "--prefix-length", "64")
    assert server.ctl("pool", "add", "six-homes", "2001:db8:700::/54", "--prefix-length", "56") == "4 prefixes added\n"
    name = plan("--pool", "dynamic", "--framed-ipv6-pool", "six-lines", "--delegated-ipv6-pool", "six-homes")
    shown = server.ctl_json("plan", "show", name)
    assert (shown["framed_ipv6_pool"], shown["delegated_ipv6_pool"], shown["prefix_required"]) == (
        "six-lines", "six-homes", True)
    held = []
    for number in range(4):
        login, password = subscriber("--plan", name)
        accept = wait_for(lambda: accepted(client.login(login, password)), "the new plan to serve")
        start(client, f"six-{number}", login, accept, [
            (FRAMED_IPV6_PREFIX, accept.one(FRAMED_IPV6_PREFIX)), (DELEGATED_IPV6_PREFIX, accept.one(DELEGATED_IPV6_PREFIX))])
        held.append((login, password, accept))
    assert {accept.one(FRAMED_IPV6_PREFIX) for *_, accept in held} == {
        prefix(one) for one in ipaddress.ip_network("2001:db8:600::/62").subnets(new_prefix=64)}
    assert {accept.one(DELEGATED_IPV6_PREFIX) for *_, accept in held} == {
        prefix(one) for one in ipaddress.ip_network("2001:db8:700::/54").subnets(new_prefix=56)}
    pool, = server.ctl_json("pool", "list", "six-homes")
    assert (pool["lease_length"], pool["size"], pool["used"], pool["free"]) == (56, 4, 4, 0)
    login, password = subscriber("--plan", name)
    assert client.login(login, password).text(REPLY_MESSAGE) == "No prefix available"
    wait_for(lambda: "popradctl pool add" in server.ctl("why", login), "the attempt to be stored")
    server.ctl("plan", "set", name, "--prefix-required", "no")
    wait_for(lambda: accepted(client.login(login, password)), "the changed plan to serve")
    assert "Framed-IPv6-Prefix = (of pool six-lines)" in server.ctl("filter", "preview", login, "--nas", "localhost")
    server.ctl("plan", "set", name, "--prefix-required", "yes")
    gone_login, gone_password, gone = held[2]
    stop(client, "six-2", gone_login, gone)
    back = client.login(gone_login, gone_password, [(NAS_PORT, 77)])
    assert back.one(FRAMED_IPV6_PREFIX) == gone.one(FRAMED_IPV6_PREFIX)
    assert back.one(DELEGATED_IPV6_PREFIX) == gone.one(DELEGATED_IPV6_PREFIX)
    with pytest.raises(Refused, match="uses pool six-lines"):
        server.ctl("pool", "remove", "six-lines")
    server.ctl("plan", "set", name, "--no-framed-ipv6-pool", "--no-delegated-ipv6-pool")
    assert server.ctl_json("plan", "show", name)["framed_ipv6_pool"] is None


def test_names_of_pools_on_the_access_server_can_be_given(server, client, subscriber, plan):
    """Framed-IPv6-Pool (RFC 3162), Delegated-IPv6-Prefix-Pool and Stateful-IPv6-Address-Pool (RFC 6911), Framed-Interface-Id."""
    login, password = subscriber("--plan", plan(
        "--attribute", "Framed-IPv6-Pool = lines", "--attribute", "Delegated-IPv6-Prefix-Pool = homes",
        "--attribute", "Stateful-IPv6-Address-Pool = hosts", "--attribute", "Framed-Interface-Id = 1:2:3:4"))
    accept = wait_for(lambda: accepted(client.login(login, password)), "the new plan to serve")
    assert [accept.one(number) for number in (100, 171, 172, 96)] == [
        b"lines", b"homes", b"hosts", bytes((0, 1, 0, 2, 0, 3, 0, 4))]


def test_at_most_four_authorised_sessions_of_one_subscriber(server, client, subscriber):
    login, password = subscriber()
    for port in range(6):
        assert client.login(login, password, [(NAS_PORT, 60 + port)]).code == ACCESS_ACCEPT
    assert sessions(server, login, "authorised") == 4


def test_an_authorised_session_that_never_starts_gives_its_address_back(make_server, make_client):
    server = make_server(authorised="10s")
    client = make_client(server)
    accept = client.login("demo@isp.example", "dial-up")
    held = f"select count(*) from poprad.address where session_key is not null and address = '{accept.address()}'"
    assert server.value(held) == "1"
    wait_for(lambda: server.value(held) == "0", "the authorised session to expire")
    assert server.counter("sessions_expired") == 1
    late = client.account(START, "late", "demo@isp.example", [
        (CLASS, accept.one(CLASS)), (FRAMED_IP_ADDRESS, accept.one(FRAMED_IP_ADDRESS))])
    assert late.code == ACCOUNTING_RESPONSE
    assert server.value(held) == "1", "a late Start takes its address back if it is free"


def test_a_session_that_fell_silent_gives_its_address_back(make_server, make_client):
    server = make_server(silence_max="5s")
    client = make_client(server)
    accept = client.login("demo@isp.example", "dial-up")
    start(client, "silent", "demo@isp.example", accept)
    held = f"select count(*) from poprad.address where session_key is not null and address = '{accept.address()}'"
    assert server.value(held) == "1"
    server.sql("""update poprad.session set last_heard = now() - interval '1 h', interim_s = 0, session_timeout_s = 0
                  where acct_session_id = 'silent'""")
    wait_for(lambda: server.value(held) == "0", "the silent session to be ended")
    wait_for(lambda: server.counter("sessions_lost") == 1, "the worker to hear of it")
    assert server.value("select terminate_cause from poprad.session where acct_session_id = 'silent'") == "Lost-Service"


def test_the_filters_follow_the_kind_and_the_place_of_the_nas(server, make_client, subscriber):
    """from-general-customer-equipment only makes sense on the provider's own network."""
    login, password = subscriber()
    server.ctl("nas", "add", "rented", "127.0.60.1", "--secret", "testing123", "--kind", "cisco", "--group", "rented-pop")
    server.ctl("group", "set", "rented-pop", "--own-network", "no")
    client = make_client(server, "127.0.60.1")
    wait_for(lambda: client.login(login, password).filters() == ["to-general-customer-equipment.out"],
             "the virtual POP to get the filter that makes sense there, and no other")
