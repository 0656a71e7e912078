# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Lines that are put into a tunnel: as radclient decodes the answer, from popradctl's options to what is told of them."""
import itertools
import subprocess

import pytest

from support.poprad import ROOT, Poprad, wait_for

REFUSED, USAGE = 1, 2
NUMBERS = itertools.count(1)
PASSWORD = "open-tunnel-0815"
LAC, LNS = "127.0.31.1", "127.0.32.1"


@pytest.fixture(scope="module")
def provider():
    instance = Poprad(listen=["0.0.0.0"])
    try:
        instance.create_database()
        instance.ctl("nas", "add", "lac", "127.0.31.0/24", "--secret", "testing123", "--kind", "cisco")
        instance.ctl("nas", "add", "lns", "127.0.32.0/24", "--secret", "testing123", "--kind", "cisco", "--ends-tunnels", "yes")
        instance.ctl("tunnel", "add", "first", "--server", "192.0.2.1", "--client-auth-id", "lac.example", "--password-stdin",
                     stdin=PASSWORD + "\n")
        instance.ctl("tunnel", "add", "second", "--server", "lns.example", "--assignment-id", "w", "--preference", "7",
                     "--server-auth-id", "lns", "--client", "192.0.2.9")
        instance.ctl("tunnel", "add", "six", "--server", "2001:DB8::1", "--type", "pptp")
        instance.ctl("plan", "add", "wholesale", "--pool", "dynamic", "--tunnel", "first")
        instance.ctl("subscriber", "add", "line@isp.example", "--password", "let-me-in", "--plan", "wholesale")
        instance.start()
        yield instance
    finally:
        instance.close()


@pytest.fixture
def subscriber(provider):
    """subscriber(OPTION...): another login of plan wholesale."""
    def add(*options):
        login = f"line-{next(NUMBERS)}@isp.example"
        provider.ctl("subscriber", "add", login, "--password", "let-me-in", "--plan", "wholesale", *options)
        return login
    return add


def received(server, source, login, *more):
    line = ", ".join([f'User-Name = "{login}"', 'User-Password = "let-me-in"', f"NAS-Port = {next(NUMBERS)}",
                      f"Packet-Src-IP-Address = {source}", *more]) + "\n"
    done = subprocess.run(["radclient", "-x", "-r", "10", f"127.0.0.1:{server.auth_port}", "auth", "testing123"], input=line,
                          text=True, capture_output=True, timeout=120)
    return done.stdout.partition("Received ")[2].replace('"', "")


def answer(*request):
    """What radclient prints of the answer, but for the usual attributes."""
    packet = received(*request)
    assert packet.startswith("Access-Accept"), packet
    return [line.strip() for line in packet.splitlines()[1:] if line.startswith("\t") and not line.strip().startswith(
        ("Message-Authenticator", "Framed-Protocol", "Class", "Acct-Interim", "Framed-IP-Netmask"))]


FIRST = ["Tunnel-Type:1 = L2TP", "Tunnel-Medium-Type:1 = IPv4", "Tunnel-Server-Endpoint:1 = 192.0.2.1",
         f"Tunnel-Password:1 = {PASSWORD}", "Tunnel-Client-Auth-Id:1 = lac.example"]


def test_the_nas_is_told_the_tunnel_and_leases_nothing(provider):
    assert answer(provider, LAC, "line@isp.example") == [*FIRST, "Service-Type = Framed-User"]
    session = provider.ctl_json("session", "list", "--login", "line@isp.example")[0]
    assert session["address"] is None
    assert received(provider, LAC, "line@isp.example", "Service-Type = Authenticate-Only").count("Tunnel") == 0


def test_the_other_end_is_told_of_none_and_gives_the_address(provider, subscriber):
    lines = answer(provider, LNS, subscriber())
    assert lines[0] == "Service-Type = Framed-User" and lines[1].startswith("Framed-IP-Address = ")
    assert len(lines) == 2
    assert provider.ctl_json("nas", "show", "lns")["ends_tunnels"] is True


def test_several_of_a_subscribers_own_and_an_address(provider, subscriber):
    login = subscriber("--tunnel", "six", "--tunnel", "second", "--tunnel", "first", "--tunnel-address", "yes",
                       "--static-address", "10.0.4.77")
    assert answer(provider, LAC, login) == [
        "Tunnel-Type:1 = PPTP", "Tunnel-Medium-Type:1 = IPv6", "Tunnel-Server-Endpoint:1 = 2001:db8::1", "Tunnel-Preference:1 = 1",
        "Tunnel-Type:2 = L2TP", "Tunnel-Medium-Type:2 = IPv4", "Tunnel-Client-Endpoint:2 = 192.0.2.9",
        "Tunnel-Server-Endpoint:2 = lns.example", "Tunnel-Assignment-Id:2 = w", "Tunnel-Preference:2 = 7",
        "Tunnel-Server-Auth-Id:2 = lns",
        "Tunnel-Type:3 = L2TP", "Tunnel-Medium-Type:3 = IPv4", "Tunnel-Server-Endpoint:3 = 192.0.2.1",
        f"Tunnel-Password:3 = {PASSWORD}", "Tunnel-Preference:3 = 3", "Tunnel-Client-Auth-Id:3 = lac.example",
        "Service-Type = Framed-User", "Framed-IP-Address = 10.0.4.77"]
    provider.ctl("subscriber", "set", login, "--tunnel", "none", "--tunnel-address", "none")
    assert answer(provider, LAC, login) == [*FIRST, "Service-Type = Framed-User"]
    provider.ctl("subscriber", "set", login, "--no-tunnels")
    assert answer(provider, LAC, login) == ["Service-Type = Framed-User", "Framed-IP-Address = 10.0.4.77"]


def test_a_realm_before_ppp(provider):
    """As some access servers ask: the session is the subscriber's, who logs in at the other end."""
    provider.ctl("subscriber", "add", "wholesale.example", "--password", "let-me-in", "--plan", "wholesale")
    assert answer(provider, LAC, "wholesale.example", "Service-Type = Outbound-User") == [*FIRST, "Service-Type = Outbound-User"]
    assert provider.ctl_json("session", "list", "--login", "wholesale.example") == []


def test_attributes_that_are_given_take_the_place_of_all_tunnels(provider, subscriber):
    login = subscriber("--attribute", "Tunnel-Type:5 = L2TP", "--attribute", "Tunnel-Password:5 = his-own-password")
    lines = answer(provider, LAC, login)
    assert [line for line in lines if "Tunnel" in line] == ["Tunnel-Type:5 = L2TP", "Tunnel-Password:5 = his-own-password"]
    assert any(line.startswith("Framed-IP-Address") for line in lines)
    shown = provider.ctl("filter", "preview", login, "--nas", "lac")
    assert "Tunnel-Type:5 = L2TP\nTunnel-Password:5 = (not shown)\n" in shown.replace('"', "")


def test_the_password_is_shown_to_nobody_who_does_not_ask_for_it(provider, subscriber):
    login = subscriber()
    watcher = subprocess.Popen([ROOT / "bin" / "popradctl", "trace", login, "--count", "1"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=provider.environment(), cwd="/", text=True)
    try:
        assert "waiting for packets" in watcher.stderr.readline()
        answer(provider, LAC, login)
        traced, _ = watcher.communicate(timeout=60)
    finally:
        watcher.kill()
        watcher.wait()
    assert "1 tunnel, the first is first" in traced
    wait_for(lambda: "accepted: 1 attempt" in provider.ctl("why", login), "the attempt")
    preview = provider.ctl("filter", "preview", login, "--nas", "lac")
    assert "Tunnel-Password:1 = (not shown)" in preview.replace('"', "") and "Framed-IP-Address" not in preview
    why = provider.ctl("why", login)
    assert "His line is put into a tunnel: first; the other end gives the address." in why
    for text in (traced, preview, why, provider.log(), provider.ctl("tunnel", "show", "first"), provider.ctl("tunnel", "list"),
                 provider.ctl("tunnel", "show", "first", "--json"), provider.ctl("tunnel", "list", "--json"),
                 provider.ctl("plan", "show", "wholesale", "--json"), provider.ctl("subscriber", "show", login, "--json"),
                 provider.ctl("session", "list", "--json"), provider.ctl("why", login, "--json")):
        assert PASSWORD not in text
    assert provider.ctl_json("tunnel", "show", "first", "--with-password")["password"] == PASSWORD
    assert provider.value("select count(*) from poprad.auth_attempt a where a::text like '%open-tunnel%'") == "0"


def test_what_is_shown(provider, subscriber):
    login = subscriber("--tunnel", "second")
    assert provider.ctl_json("plan", "show", "wholesale")["tunnels"] == ["first"]
    own = provider.ctl_json("subscriber", "show", login)
    assert (own["tunnels"], own["tunnel_address"]) == (["second"], None)
    assert provider.ctl_json("tunnel", "show", "second") == {
        "name": "second", "type": "l2tp", "medium": "ipv4", "server": "lns.example", "client": "192.0.2.9",
        "client_auth_id": None, "server_auth_id": "lns", "assignment_id": "w", "preference": 7, "has_password": False,
        "plans": [], "subscriber_count": 1 + int(provider.value(
            "select count(*) from poprad.subscriber_policy p join poprad.subscriber s using (subscriber_id) "
            f"where 'second' = any (p.tunnels) and s.login <> '{login}'"))}
    assert [row["name"] for row in provider.ctl_json("tunnel", "list")][:3] == ["first", "second", "six"]


def test_a_change_counts_from_the_next_login_on(provider, subscriber):
    login = subscriber()
    provider.ctl("tunnel", "add", "third", "--server", "192.0.2.3", "--password", "first-password")
    provider.ctl("subscriber", "set", login, "--tunnel", "third")
    assert "Tunnel-Password:1 = first-password" in answer(provider, LAC, login)
    provider.ctl("tunnel", "set", "third", "--server", "2001:db8::3", "--password", "second-password", "--client-auth-id", "me")
    wait_for(lambda: "Tunnel-Server-Endpoint:1 = 2001:db8::3" in answer(provider, LAC, login), "the new tunnel")
    lines = answer(provider, LAC, login)
    assert {"Tunnel-Medium-Type:1 = IPv6", "Tunnel-Password:1 = second-password", "Tunnel-Client-Auth-Id:1 = me"} <= set(lines)
    provider.ctl("tunnel", "set", "third", "--no-password", "--client-auth-id", "none")
    wait_for(lambda: not any("Password" in line for line in answer(provider, LAC, login)), "the new tunnel")
    provider.ctl("subscriber", "set", login, "--tunnel", "none")
    provider.ctl("tunnel", "remove", "third")


def test_tunnels_that_do_not_fit_refuse_the_login(provider, subscriber):
    for number in range(31):
        provider.ctl("tunnel", "add", f"long-{number}", "--server", "l" * 128, "--client-auth-id", "c" * 128)
    long = list(itertools.chain.from_iterable(("--tunnel", f"long-{number}") for number in range(31)))
    login = subscriber(*long)
    before = provider.counter("reject_tunnel_unfit")
    assert received(provider, LAC, login).startswith("Access-Reject")
    assert provider.counter("reject_tunnel_unfit") > before
    status, _, errors = provider.run("filter", "preview", login, "--nas", "lac")
    assert (status, errors) == (REFUSED, "popradctl: his tunnels cannot be sent to nas lac, and his login would be rejected\n")
    wait_for(lambda: "tunnel unfit" in provider.ctl("why", login), "the attempt")
    status, _, errors = provider.run("plan", "set", "wholesale", *long)
    assert status == REFUSED and "of an answer, in which they have 3584" in errors
    assert provider.ctl_json("plan", "show", "wholesale")["tunnels"] == ["first"]


@pytest.mark.parametrize("status, words", [
    (USAGE, ("tunnel", "add", "x")),
    (USAGE, ("tunnel", "add", "x", "--server", "two words")),
    (USAGE, ("tunnel", "add", "x", "--server", "300.0.0.1")),
    (USAGE, ("tunnel", "add", "x", "--server", "lns_1")),
    (USAGE, ("tunnel", "add", "x", "--server", "l" * 129)),
    (USAGE, ("tunnel", "add", "x", "--server", "lns", "--type", "vlan")),
    (REFUSED, ("tunnel", "add", "x", "--server", "lns", "--client-auth-id", "i" * 129)),
    (REFUSED, ("tunnel", "add", "x", "--server", "lns", "--password", "i" * 129)),
    (REFUSED, ("tunnel", "add", "x", "--server", "lns", "--preference", "16777216")),
    (REFUSED, ("tunnel", "add", "x", "--server", "192.0.2.1", "--medium", "ipv6")),
    (REFUSED, ("tunnel", "add", "first", "--server", "lns")),
    (REFUSED, ("tunnel", "set", "nowhere", "--server", "lns")),
    (USAGE, ("tunnel", "set", "first", "--password", "p", "--no-password")),
    (REFUSED, ("tunnel", "remove", "first")),
    (REFUSED, ("tunnel", "show", "nowhere")),
    (REFUSED, ("plan", "set", "wholesale", "--tunnel", "nowhere")),
    (REFUSED, ("plan", "set", "wholesale", "--tunnel", "first", "--tunnel", "first")),
    (USAGE, ("plan", "set", "wholesale", "--tunnel", "first", "--no-tunnels")),
])
def test_what_is_refused(provider, status, words):
    done = provider.run(*words)
    assert done[0] == status, done
    assert "open-tunnel" not in done[2] and "constraint" not in done[2], done
