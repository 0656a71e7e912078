# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Rates and name servers in the answer: every kind of access server, as radclient decodes them; and what is refused."""
import itertools
import re
import subprocess

import pytest

from support.poprad import Poprad, wait_for

REFUSED, USAGE = 1, 2
NUMBERS = itertools.count(1)
RATES = {
    "cisco": ["Cisco-AVPair = qos-policy-in=add-class(sub,(class-default),police(512000))",
              "Cisco-AVPair = qos-policy-out=add-class(sub,(class-default),shape(2048000))"],
    "mikrotik": ["Mikrotik-Rate-Limit = 512k/2048k"],
    "juniper": ["ERX-CoS-Shaping-Pmt-Type = T02 2048k"],
    "usr": [],
    "portmaster": [],
    "ascend": [],
    "ascend old-rules": [],
    "nokia": ["Alc-Subscriber-QoS-Override = e:r:rate=2048"],
    "huawei": ["Huawei-Input-Average-Rate = 512000", "Huawei-Output-Average-Rate = 2048000"],
    "accel-ppp": ["Filter-Id = 2048/512"],
    "l2tpns": [],
    "pppd": ["WISPr-Bandwidth-Max-Up = 512000", "WISPr-Bandwidth-Max-Down = 2048000"],
    "other": ["WISPr-Bandwidth-Max-Up = 512000", "WISPr-Bandwidth-Max-Down = 2048000"],
}
MICROSOFT = ["MS-Primary-DNS-Server = 10.0.1.1", "MS-Secondary-DNS-Server = 10.0.1.2"]
OLD_SERVERS = ["Management-Policy-Id = \\n\\000\\001\\001", "Management-Privilege-Level = 167772418"]
RFC6911 = ["DNS-Server-IPv6-Address = 2001:db8::1", "DNS-Server-IPv6-Address = 2001:db8::2"]
SERVERS = {
    "cisco": ["Cisco-AVPair = ip:dns-servers=10.0.1.1 10.0.1.2", *RFC6911],
    "mikrotik": [],
    "juniper": ["ERX-Primary-Dns = 10.0.1.1", "ERX-Secondary-Dns = 10.0.1.2", "ERX-Ipv6-Primary-Dns = 2001:db8::1",
                "ERX-Ipv6-Secondary-Dns = 2001:db8::2"],
    "usr": ["USR-Primary_DNS_Server = 10.0.1.1", "USR-Secondary_DNS_Server = 10.0.1.2"],
    "portmaster": [],
    "ascend": ["Ascend-Client-Primary-DNS = 10.0.1.1", "Ascend-Client-Secondary-DNS = 10.0.1.2",
               "Ascend-Client-Assign-DNS = DNS-Assign-Yes"],
    # Numbers 135 to 137 were given to others later, and radclient knows them as those.
    "ascend old-rules": [*OLD_SERVERS, "PKM-SS-Cert = 0x00000001"],
    "nokia": ["Alc-Primary-Dns = 10.0.1.1", "Alc-Secondary-Dns = 10.0.1.2", "Alc-Ipv6-Primary-Dns = 2001:db8::1",
              "Alc-Ipv6-Secondary-Dns = 2001:db8::2"],
    "huawei": ["Huawei-Primary-DNS = 10.0.1.1", "Huawei-Secondary-DNS = 10.0.1.2",
               "Huawei-DNS-Server-IPv6-address = 2001:db8::1", "Huawei-DNS-Server-IPv6-address = 2001:db8::2"],
    "accel-ppp": [*MICROSOFT, *RFC6911],
    "l2tpns": OLD_SERVERS,
    "pppd": MICROSOFT,
    "other": [*MICROSOFT, *RFC6911],
}
NET = {place: f"127.0.{100 + number}.0/24" for number, place in enumerate(RATES)}
# Every answer has these, and they are not what is looked at here.
USUAL = ("Message-Authenticator", "Service-Type", "Framed-", "Class", "Acct-Interim-Interval")


@pytest.fixture(scope="module")
def provider():
    instance = Poprad(listen=["0.0.0.0"])
    try:
        instance.create_database()
        for plan in ("dialup", "dsl-dynamic"):
            instance.ctl("plan", "set", plan, "--no-filters")
        for place in RATES:
            kind, _, form = place.partition(" ")
            instance.ctl("nas", "add", place.replace(" ", "-"), NET[place], "--secret", "testing123", "--kind", kind,
                         *(["--filter-form", form] if form else []))
        instance.ctl("plan", "add", "line", "--pool", "dynamic", "--rate-in", "512", "--rate-out", "2048",
                     *itertools.chain.from_iterable(("--dns-server", server) for server in (
                         "10.0.1.1", "2001:db8::1", "10.0.1.2", "2001:db8::2")))
        instance.ctl("plan", "add", "plain", "--pool", "dynamic")
        for plan in ("line", "plain"):
            instance.ctl("subscriber", "add", f"{plan}@isp.example", "--password", "let-me-in", "--plan", plan)
        instance.start()
        yield instance
    finally:
        instance.close()


def answer(server, place, login, *more):
    """What radclient prints of the answer, attribute by attribute."""
    line = ", ".join([f'User-Name = "{login}"', 'User-Password = "let-me-in"', f"NAS-Port = {next(NUMBERS)}",
                      f"Packet-Src-IP-Address = {NET[place][:-4]}1", *more]) + "\n"
    done = subprocess.run(["radclient", "-x", "-r", "10", f"127.0.0.1:{server.auth_port}", "auth", "testing123"], input=line,
                          text=True, capture_output=True, timeout=120)
    received = done.stdout.partition("Received ")[2]
    assert received.startswith("Access-Accept"), done.stdout + done.stderr
    return [line.strip().replace('"', "") for line in received.splitlines()[1:] if line.startswith("\t")]


def provided(*request):
    """But for the usual ones."""
    return [attribute for attribute in answer(*request) if not attribute.startswith(USUAL)]


@pytest.mark.parametrize("place", RATES)
def test_each_kind_is_told_in_its_way(provider, place):
    assert provided(provider, place, "line@isp.example") == RATES[place] + SERVERS[place]
    assert provided(provider, place, "plain@isp.example") == []


def test_without_a_line_nothing_is_provided(provider):
    assert provided(provider, "mikrotik", "line@isp.example", "Service-Type = Authenticate-Only") == []


def test_given_attributes_take_the_place_of_the_same(provider):
    """The plan's and the subscriber's own; others of the same equipment stay."""
    provider.ctl("plan", "add", "given", "--pool", "dynamic", "--rate-in", "512", "--rate-out", "2048", "--dns-server", "10.0.1.1",
                 "--dns-server", "10.0.1.2", "--attribute", "MS-Secondary-DNS-Server = 10.0.1.9", "--attribute",
                 "Cisco-AVPair = ip:dns-servers=10.0.1.8")
    provider.ctl("subscriber", "add", "given@isp.example", "--password", "let-me-in", "--plan", "given")
    raw = ["MS-Secondary-DNS-Server = 10.0.1.9", "Cisco-AVPair = ip:dns-servers=10.0.1.8"]
    assert provided(provider, "cisco", "given@isp.example") == [*RATES["cisco"], *raw]
    assert provided(provider, "accel-ppp", "given@isp.example") == [
        "Filter-Id = 2048/512", "MS-Primary-DNS-Server = 10.0.1.1", *raw]
    provider.ctl("subscriber", "set", "given@isp.example", "--attribute", "Filter-Id = 100", "--attribute",
                 "Mikrotik-Rate-Limit = 1M")
    own = ["Filter-Id = 100", "Mikrotik-Rate-Limit = 1M"]
    assert provided(provider, "accel-ppp", "given@isp.example") == ["MS-Primary-DNS-Server = 10.0.1.1", *own, *raw]
    assert provided(provider, "mikrotik", "given@isp.example") == [*own, *raw]


def test_a_change_reaches_the_answers(provider):
    provider.ctl("plan", "add", "moving", "--pool", "dynamic")
    provider.ctl("subscriber", "add", "moving@isp.example", "--password", "let-me-in", "--plan", "moving")
    provider.ctl("plan", "set", "moving", "--rate-in", "64", "--rate-out", "128", "--dns-server", "10.0.1.3")
    wait_for(lambda: provided(provider, "other", "moving@isp.example") == [
        "WISPr-Bandwidth-Max-Up = 64000", "WISPr-Bandwidth-Max-Down = 128000", "MS-Primary-DNS-Server = 10.0.1.3"], "the rates")
    shown = provider.ctl_json("plan", "show", "moving")
    shown = shown[0] if isinstance(shown, list) else shown
    assert (shown["rate_in_kbit"], shown["rate_out_kbit"], shown["dns_servers"]) == (64, 128, ["10.0.1.3"])
    # Each alone; the other option is left.
    provider.ctl("plan", "set", "moving", "--rate-out", "256")
    wait_for(lambda: "WISPr-Bandwidth-Max-Down = 256000" in provided(provider, "other", "moving@isp.example"), "the new rate")
    provider.ctl("plan", "set", "moving", "--rate-in", "0", "--rate-out", "0", "--no-dns-servers")
    wait_for(lambda: provided(provider, "other", "moving@isp.example") == [], "nothing to be provided")


def test_what_is_somebodys_own_goes_before_the_plan(provider):
    """And before the plan's attributes; his attributes go before all."""
    login = "own@isp.example"
    provider.ctl("plan", "add", "mixed", "--pool", "dynamic", "--rate-in", "512", "--rate-out", "2048", "--dns-server", "10.0.1.1",
                 "--attribute", "Mikrotik-Rate-Limit = 1k/2k", "--attribute", "MS-Primary-DNS-Server = 10.0.1.8")
    provider.ctl("subscriber", "add", login, "--password", "let-me-in", "--plan", "mixed", "--rate-in", "64", "--rate-out", "128")
    raw = ["Mikrotik-Rate-Limit = 1k/2k", "MS-Primary-DNS-Server = 10.0.1.8"]
    assert provided(provider, "mikrotik", login) == ["Mikrotik-Rate-Limit = 64k/128k", raw[1]]
    assert provided(provider, "accel-ppp", login) == ["Filter-Id = 128/64", *raw]
    shown = provider.ctl_json("subscriber", "show", login)
    shown = shown[0] if isinstance(shown, list) else shown
    assert (shown["rate_in_kbit"], shown["rate_out_kbit"], shown["dns_servers"]) == (64, 128, None)
    provider.ctl("subscriber", "set", login, "--rate-in", "none", "--rate-out", "none", "--dns-server", "10.0.1.7")
    assert provided(provider, "mikrotik", login) == raw
    assert provided(provider, "accel-ppp", login) == ["MS-Primary-DNS-Server = 10.0.1.7", "Filter-Id = 2048/512", raw[0]]
    # 0 is no limit though the plan has one, and no name servers are none though it has some.
    provider.ctl("subscriber", "set", login, "--rate-in", "0", "--rate-out", "0", "--no-dns-servers")
    provider.ctl("plan", "set", "mixed", "--no-attributes")
    wait_for(lambda: provided(provider, "accel-ppp", login) == [], "nothing to be provided")
    provider.ctl("subscriber", "set", login, "--rate-in", "none", "--rate-out", "none", "--dns-server", "none")
    assert provided(provider, "accel-ppp", login) == ["Filter-Id = 2048/512", "MS-Primary-DNS-Server = 10.0.1.1"]
    provider.ctl("subscriber", "set", login, "--rate-in", "9", "--rate-out", "9", "--attribute", "Filter-Id = 7/7")
    assert provided(provider, "accel-ppp", login) == ["MS-Primary-DNS-Server = 10.0.1.1", "Filter-Id = 7/7"]
    for words, part in [(("--rate-in", "none"), "a rate in one direction alone"),
                        (("--rate-in", "0", "--rate-out", "5"), "a rate in one direction alone"),
                        (("--dns-server", "none", "--dns-server", "10.0.1.1"), "none stands alone"),
                        (("--dns-server", "none", "--no-dns-servers"), "exclude each other")]:
        status, _, errors = provider.run("subscriber", "set", login, *words)
        assert status != 0 and part in errors, errors


@pytest.mark.parametrize("place", RATES)
def test_routes_are_the_same_everywhere(provider, place):
    login = f"{place.replace(' ', '-')}-routes@isp.example"
    provider.ctl("subscriber", "add", login, "--password", "let-me-in", "--plan", "plain", "--route", "192.0.2.0/24", "--route",
                 "2001:db8:1::/48", "--route", "198.51.100.8/32")
    routes = ["Framed-Route = 192.0.2.0/24 0.0.0.0 1", "Framed-IPv6-Route = 2001:db8:1::/48 :: 1",
              "Framed-Route = 198.51.100.8/32 0.0.0.0 1"]
    assert [one for one in answer(provider, place, login) if "-Route" in one] == routes
    # His own attribute takes the place of the same, and only of that.
    provider.ctl("subscriber", "set", login, "--attribute", "Framed-Route = 203.0.113.0/24 10.0.4.1 7")
    assert [one for one in answer(provider, place, login) if "-Route" in one] == [
        routes[1], "Framed-Route = 203.0.113.0/24 10.0.4.1 7"]


def test_routes_are_shown_and_taken_away(provider):
    login = "routed@isp.example"
    provider.ctl("subscriber", "add", login, "--password", "let-me-in", "--plan", "plain", "--route", "192.0.2.0/24")
    shown = provider.ctl_json("subscriber", "show", login)
    shown = shown[0] if isinstance(shown, list) else shown
    assert shown["routes"] == ["192.0.2.0/24"]
    provider.ctl("subscriber", "set", login, "--no-routes")
    assert not [one for one in answer(provider, "cisco", login) if "-Route" in one]
    assert provider.value("select count(*) from poprad.subscriber_policy join poprad.subscriber using (subscriber_id) "
                          f"where login = '{login}'") == "0"
    for words in (["--route", "192.0.2.1/24"], ["--route", "192.0.2.0/24", "--no-routes"],
                  [word for n in range(17) for word in ("--route", f"10.9.{n}.0/24")]):
        status, _, errors = provider.run("subscriber", "set", login, *words)
        assert status != 0 and len(errors.splitlines()) == 1, (words, errors)


def test_address_lists(provider, refused):
    """Of a plan and of one subscriber; what is given as an attribute goes before both."""
    login = "listed@isp.example"
    provider.ctl("plan", "add", "listed", "--pool", "dynamic", "--address-list", "residential")
    provider.ctl("subscriber", "add", login, "--password", "let-me-in", "--plan", "listed")
    assert provided(provider, "mikrotik", login) == ["Mikrotik-Address-List = residential"]
    assert provided(provider, "cisco", login) == []
    assert provider.ctl_json("plan", "show", "listed")["address_list"] == "residential"
    assert re.search(r"^address_list: +-$", provider.ctl("plan", "show", "plain"), re.M)
    for option, expected in (("suspended", ["Mikrotik-Address-List = suspended"]), (None, []),
                             ("none", ["Mikrotik-Address-List = residential"])):
        provider.ctl("subscriber", "set", login, *(["--address-list", option] if option else ["--no-address-list"]))
        assert provided(provider, "mikrotik", login) == expected
    provider.ctl("subscriber", "set", login, "--address-list", "held", "--attribute", "Mikrotik-Address-List = raw")
    assert provided(provider, "mikrotik", login) == ["Mikrotik-Address-List = raw"]
    assert provider.ctl_json("subscriber", "show", login)["address_list"] == "held"
    provider.ctl("subscriber", "set", login, "--no-attributes", "--address-list", "none")
    provider.ctl("plan", "set", "listed", "--no-address-list")
    wait_for(lambda: provided(provider, "mikrotik", login) == [], "the list to go")
    refused("exclude each other", "plan", "set", "listed", "--address-list", "a", "--no-address-list", status=USAGE)
    refused("address-list", "plan", "set", "listed", "--address-list", "two words", status=USAGE)


@pytest.fixture
def refused(provider):
    """refused(part, words...): refused with one line that has the part, and nothing is changed."""
    def check(part, *words, status=REFUSED):
        before = provider.value("select poprad.catalog() - 'version'")
        code, output, errors = provider.run(*words)
        assert (code, output) == (status, ""), (words, output, errors)
        assert part in errors and len(errors.splitlines()) == 1, errors
        assert provider.value("select poprad.catalog() - 'version'") == before
    return check


def test_what_cannot_be_told_is_refused(refused):
    refused("a rate in one direction alone cannot be told", "plan", "set", "plain", "--rate-in", "64")
    refused("a rate in one direction alone cannot be told", "plan", "add", "new", "--rate-in", "0", "--rate-out", "64")
    refused("rate-in", "plan", "set", "plain", "--rate-in", "100000001", "--rate-out", "1")
    refused("rate-out", "plan", "set", "plain", "--rate-in", "1", "--rate-out", "2M", status=USAGE)
    refused("more than two name servers of a family", "plan", "set", "plain", "--dns-server", "10.0.1.1", "--dns-server",
            "10.0.1.2", "--dns-server", "10.0.1.3")
    refused("a name server is given twice", "plan", "set", "plain", "--dns-server", "10.0.1.1", "--dns-server", "10.0.1.1")
    refused("dns-server", "plan", "set", "plain", "--dns-server", "ns.isp.example", status=USAGE)
    refused("exclude each other", "plan", "set", "plain", "--dns-server", "10.0.1.1", "--no-dns-servers", status=USAGE)
    refused("there is no plan nobody", "plan", "set", "nobody", "--rate-in", "1", "--rate-out", "1")
    # Bits a second in 32 bits.
    refused("the rates of plan plain do not do for a NAS of kind huawei: it is told at most 4294967 kbit/s", "plan", "set",
            "plain", "--rate-in", "5000000", "--rate-out", "10000000")
    words = itertools.chain.from_iterable(("--attribute", f"Reply-Message = {number:0230}") for number in range(16))
    refused("the attributes of plan plain do not do for a NAS of kind", "plan", "set", "plain", *words)


def test_rates_that_an_access_server_holds_are_taken(provider):
    """Where it can be told, it is; and such a NAS is refused while the plan has them."""
    for name in ("huawei", "pppd", "other"):
        provider.run("nas", "remove", name)
    provider.ctl("plan", "add", "fast", "--pool", "dynamic", "--rate-in", "5000000", "--rate-out", "10000000")
    try:
        provider.ctl("subscriber", "add", "fast@isp.example", "--password", "let-me-in", "--plan", "fast")
        assert provided(provider, "mikrotik", "fast@isp.example") == ["Mikrotik-Rate-Limit = 5000000k/10000000k"]
        status, _, errors = provider.run("nas", "add", "huawei", NET["huawei"], "--secret", "testing123", "--kind", "huawei")
        assert status == REFUSED and "the rates of plan fast do not do for a NAS of kind huawei" in errors
    finally:
        provider.ctl("subscriber", "remove", "fast@isp.example", "--force")
        provider.ctl("plan", "remove", "fast")
