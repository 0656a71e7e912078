# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The server's own answers, decoded by tshark: filters, rates, name servers and routes of every kind of access server.

It has names of its own for some vendors' attributes, and none for others: those are compared octet by octet.
"""
import itertools
import shutil

import pytest

from support.pcap import decoded, values
from support.poprad import Poprad
from support.radius import *

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")

PLACES = ["cisco", "cisco rules", "cisco filter-server", "mikrotik", "juniper", "usr", "portmaster", "ascend", "nokia", "huawei",
          "accel-ppp", "pppd", "other rules"]
NET = {place: f"127.0.{100 + number}" for number, place in enumerate(PLACES)}

NAMES = [("Filter-Id", "no-smtp.in"), ("Filter-Id", "no-servers.out")]
CISCO_PROVISION = [("Cisco-AVPair", "qos-policy-in=add-class(sub,(class-default),police(512000))"),
                   ("Cisco-AVPair", "qos-policy-out=add-class(sub,(class-default),shape(2048000))"),
                   ("Cisco-AVPair", "ip:dns-servers=10.0.1.1")]
RFC6911 = [("DNS-Server-IPv6-Address", "2001:db8::53")]
MICROSOFT = [("MS-Primary-DNS-Server", "10.0.1.1")]
WISPR = [("WISPr-Bandwidth-Max-Up", "512000"), ("WISPr-Bandwidth-Max-Down", "2048000")]
RULES = [("NAS-Filter-Rule", r"deny in 6 from any to any 25\000permit in ip from any to any\000"
          r"deny out 6 from any to 10.0.8.0/21 1024-65535\000permit out ip from any to any")]
CISCO_RULES = [("Cisco-AVPair", "ip:inacl#1=deny tcp any any eq smtp"), ("Cisco-AVPair", "ip:inacl#2=permit ip any any"),
               ("Cisco-AVPair", "ip:outacl#1=deny tcp any 10.0.8.0 0.0.7.255 gt 1023"),
               ("Cisco-AVPair", "ip:outacl#2=permit ip any any")]
ASCEND = [("Ascend-Data-Filter", "ipv4 in drop tcp dstip 0.0.0.0/0 dstport eq 25"), ("Ascend-Data-Filter", "ipv4 in forward"),
          ("Ascend-Data-Filter", "ipv4 out drop tcp dstip 10.0.8.0/21 dstport gt 1023"),
          ("Ascend-Data-Filter", "ipv4 out forward")]


def unknown(text):
    return ("Unknown-Attribute", text.encode().hex() if isinstance(text, str) else text.hex())


EXPECTED = {
    "cisco": NAMES + CISCO_PROVISION + RFC6911,
    "cisco rules": CISCO_RULES + CISCO_PROVISION + RFC6911,
    "cisco filter-server": NAMES + CISCO_PROVISION + RFC6911,
    "mikrotik": NAMES + [("Mikrotik-Rate-Limit", "512k/2048k"), ("Mikrotik-Address-List", "residential")],
    "juniper": [("Unisphere-Ingress-Policy-Name", "no-smtp"), ("Unisphere-Egress-Policy-Name", "no-servers"),
                ("Jnpr-CoS-Parameter-Type", "T02 2048k"), ("Unisphere-Primary-Dns", "10.0.1.1"),
                ("Unisphere-Ipv6-Primary-Dns", "2001:db8::53")],
    # To tshark the number of the name server means another thing; the value is its address.
    "usr": [("Filter-Id", "home"), ("USR-Appletalk", f"Unknown({int.from_bytes(ipaddr('10.0.1.1'), 'big')})")],
    "portmaster": [("Filter-Id", "home")],
    "ascend": ASCEND + [("Ascend-Client-Primary-DNS", "10.0.1.1"), ("Ascend-Client-Assign-DNS", "DNS-Assign-Yes(1)")],
    "nokia": RULES + [unknown("e:r:rate=2048"), ("Alc-Primary-Dns", "10.0.1.1"),
                      unknown(bytes.fromhex("20010db8000000000000000000000053"))],
    # An address, which tshark takes for a prefix.
    "huawei": [("Huawei-Input-Average-Rate", "512000"), ("Huawei-Output-Average-Rate", "2048000"),
               ("Huawei-Primary-DNS", "10.0.1.1"), ("Huawei-DNS-Server-IPv6-address", "[invalid reserved byte for IPv6 prefix]")],
    "accel-ppp": [("Filter-Id", "2048/512")] + MICROSOFT + RFC6911,
    "pppd": NAMES + WISPR + MICROSOFT,
    "other rules": RULES + WISPR + MICROSOFT + RFC6911,
}
USUAL = {"Message-Authenticator", "Service-Type", "Framed-Protocol", "Framed-IP-Netmask", "Class"}


@pytest.fixture(scope="module")
def provider():
    instance = Poprad(listen=["0.0.0.0"])
    try:
        instance.create_database()
        for plan in ("dialup", "dsl-dynamic"):
            instance.ctl("plan", "set", plan, "--no-filters")
        instance.ctl("filter", "add", "no-smtp", "--direction", "in", "--rule", "deny tcp any any eq smtp", "--rule",
                     "permit ip any any")
        instance.ctl("filter", "add", "no-servers", "--direction", "out", "--rule", "deny tcp any 10.0.8.0/21 gt 1023", "--rule",
                     "permit ip any any")
        instance.ctl("filterset", "add", "home", "--in", "no-smtp", "--out", "no-servers")
        for place in PLACES:
            kind, _, form = place.partition(" ")
            instance.ctl("nas", "add", place.replace(" ", "-"), f"{NET[place]}.1", "--secret", "testing123", "--kind", kind,
                         *(["--filter-form", form] if form else []))
        instance.ctl("plan", "add", "all", "--filter", "no-smtp", "--filter", "no-servers", "--rate-in", "512", "--rate-out",
                     "2048", "--dns-server", "10.0.1.1", "--dns-server", "2001:db8::53", "--address-list", "residential",
                     "--session-timeout", "8h", "--idle-timeout", "15m")
        instance.ctl("subscriber", "add", "all@isp.example", "--password", "let-me-in", "--plan", "all", "--static-address",
                     "10.0.4.20")
        instance.start()
        yield instance
    finally:
        instance.close()


def without_padding(data):
    """Records of filters are as long as Ascend's own have been for long; tshark knows the first form alone, without the zeros."""
    at, parts = 20, [data[:20]]
    while at < len(data):
        one = data[at:at + data[at + 1]]
        at += len(one)
        if one[:6] == bytes([26, 40]) + struct.pack("!I", 529) and one[6] == 242:
            assert one[32:] == bytes(8)
            one = vendor(529, 242, one[8:32])
        parts.append(one)
    body = b"".join(parts)
    return body[:2] + struct.pack("!H", len(body)) + body[4:]


def ask(server, source, pairs=(), login="all@isp.example", password="let-me-in"):
    client = Client(server, source)
    try:
        reply = client.login(login, password, pairs)
        assert reply.code == ACCESS_ACCEPT
        return without_padding(reply.data)
    finally:
        client.close()


def test_what_each_kind_is_sent(provider, tmp_path):
    answers = [ask(provider, f"{NET[place]}.1", [(NAS_PORT, number)]) for number, place in enumerate(PLACES)]
    for place, found in zip(PLACES, decoded(tmp_path / "answers.pcap", answers)):
        rest = [one for one in found if one[0] not in USUAL]
        assert rest == [("Framed-IP-Address", "10.0.4.20"), *EXPECTED[place], ("Session-Timeout", "28800"),
                        ("Idle-Timeout", "900")], place


def test_networks_behind_a_line(provider, tmp_path):
    provider.ctl("plan", "add", "plain", "--pool", "dynamic")
    provider.ctl("subscriber", "add", "routed@isp.example", "--password", "let-me-in", "--plan", "plain", "--route", "192.0.2.0/24",
                 "--route", "2001:db8:1::/48")
    found, = decoded(tmp_path / "routes.pcap", [ask(provider, f"{NET['juniper']}.1", login="routed@isp.example")])
    assert [one for one in found if "Route" in one[0]] == [
        ("Framed-Route", "192.0.2.0/24 0.0.0.0 1"), ("Framed-IPv6-Route", "2001:db8:1::/48 :: 1")]


def test_what_a_router_that_asks_is_sent(provider, tmp_path):
    source = f"{NET['cisco filter-server']}.1"
    answers = [ask(provider, source, [(SERVICE_TYPE, 5)], name, "cisco") for name in ("no-smtp", "no-servers.out")]
    found = list(itertools.chain.from_iterable(decoded(tmp_path / "filters.pcap", answers)))
    assert [one for one in found if one[0] == "Cisco-AVPair"] == CISCO_RULES
    assert ("Service-Type", "Dialout-Framed-User(5)") in found  # tshark's word for Outbound


def test_a_long_filter_is_whole(provider, tmp_path):
    """NAS-Filter-Rule is cut wherever its 253 octets end; put together again it is what was entered."""
    rules = [f"deny tcp any host 10.7.{number}.1 eq smtp" for number in range(30)]
    provider.ctl("filter", "add", "lengthy", "--direction", "in",
                 *itertools.chain.from_iterable(("--rule", rule) for rule in [*rules, "permit ip any any"]))
    provider.ctl("nas", "remove", "nokia")
    provider.ctl("plan", "add", "long", "--filter", "lengthy")
    provider.ctl("subscriber", "add", "long@isp.example", "--password", "let-me-in", "--plan", "long")
    answer = ask(provider, f"{NET['other rules']}.1", [(NAS_PORT, 99)], "long@isp.example")
    pieces = values(tmp_path / "long.pcap", answer, "NAS-Filter-Rule")
    assert [len(piece) for piece in pieces[:-1]] == [253] * (len(pieces) - 1) and len(pieces) > 4
    expected = [f"deny in 6 from any to 10.7.{number}.1 25" for number in range(30)] + ["permit in ip from any to any"]
    assert b"".join(pieces) == "\0".join(expected).encode()
