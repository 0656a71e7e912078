# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Filters in the answer: every kind of access server, as radclient decodes them; and what is refused when it is entered."""
import itertools
import json
import re
import subprocess

import pytest

from support.poprad import Poprad, wait_for
from support.radius import *

REFUSED, USAGE = 1, 2
NUMBERS = itertools.count(1)

# Where each is: its kind and form; in our own network at .1, as a virtual POP at .2.
PLACES = ["cisco", "cisco rules", "mikrotik", "juniper", "usr", "portmaster", "ascend", "ascend old-rules", "nokia", "huawei",
          "accel-ppp", "l2tpns", "pppd", "other", "other rules", "cisco none", "cisco filter-server"]
NET = {place: f"127.0.{100 + number}" for number, place in enumerate(PLACES)}

# What the plan with both filters gets; the one for what comes from the subscriber is of the scope own-network.
OUT_CISCO = ["Cisco-AVPair = ip:outacl#1=deny tcp any 10.0.8.0 0.0.7.255 eq smtp",
             "Cisco-AVPair = ip:outacl#2=deny tcp any 192.168.4.0 0.0.3.255 eq smtp",
             "Cisco-AVPair = ip:outacl#3=permit ip any any"]
IN_CISCO = ["Cisco-AVPair = ip:inacl#1=deny tcp any any eq smtp", "Cisco-AVPair = ip:inacl#2=permit ip any any"]
OUT_ASCEND = ["Ascend-Data-Filter = ip out drop dstip 10.0.8.0/21 tcp dstport = 25",
              "Ascend-Data-Filter = ip out drop dstip 192.168.4.0/22 tcp dstport = 25",
              "Ascend-Data-Filter = ip out forward 0"]
IN_ASCEND = ["Ascend-Data-Filter = ip in drop tcp dstport = 25", "Ascend-Data-Filter = ip in forward 0"]
# Attribute 242 has no name of its own in radclient's dictionary.
OUT_OLD = ["Attr-242 = 0x01000000000000000a00080000150600000000190002" + 20 * "0",
           "Attr-242 = 0x0100000000000000c0a8040000160600000000190002" + 20 * "0",
           "Attr-242 = 0x01010000" + 56 * "0"]
IN_OLD = ["Attr-242 = 0x01000100000000000000000000000600000000190002" + 20 * "0", "Attr-242 = 0x01010100" + 56 * "0"]
OUT_RULES = ["NAS-Filter-Rule = deny out 6 from any to 10.0.8.0/21 25",
             "NAS-Filter-Rule = deny out 6 from any to 192.168.4.0/22 25",
             "NAS-Filter-Rule = permit out ip from any to any"]
IN_RULES = ["NAS-Filter-Rule = deny in 6 from any to any 25", "NAS-Filter-Rule = permit in ip from any to any"]
NAMES = ["Filter-Id = no-servers.out", "Filter-Id = no-smtp.in"]

EXPECTED = {
    "cisco": (NAMES, NAMES[:1]),
    "cisco rules": (OUT_CISCO + IN_CISCO, OUT_CISCO),
    "mikrotik": (NAMES, NAMES[:1]),
    "juniper": (["ERX-Egress-Policy-Name = no-servers", "ERX-Ingress-Policy-Name = no-smtp"],
                ["ERX-Egress-Policy-Name = no-servers"]),
    "usr": (["Filter-Id = home"], ["Filter-Id = no-servers"]),
    "portmaster": (["Filter-Id = residential"], ["Filter-Id = no-servers"]),
    "ascend": (OUT_ASCEND + IN_ASCEND, OUT_ASCEND),
    "ascend old-rules": (OUT_OLD + IN_OLD, OUT_OLD),
    "nokia": (OUT_RULES + IN_RULES, OUT_RULES),
    "huawei": ([], []),
    "accel-ppp": ([], []),
    "l2tpns": (NAMES, NAMES[:1]),
    "pppd": (NAMES, NAMES[:1]),
    "other": (NAMES, NAMES[:1]),
    "other rules": (OUT_RULES + IN_RULES, OUT_RULES),
    "cisco none": ([], []),
    "cisco filter-server": (NAMES, NAMES[:1]),
}
PLACES_AND_NETWORKS = [(place, is_virtual) for place in PLACES for is_virtual in (False, True)]
FILTER_ATTRIBUTES = ("Filter-Id", "Cisco-AVPair", "ERX-", "Ascend-Data-Filter", "Attr-242", "NAS-Filter-Rule", "Attr-26")


def kind_and_form(place):
    kind, _, form = place.partition(" ")
    return ["--kind", kind, *(["--filter-form", form] if form else [])]


@pytest.fixture(scope="module")
def provider():
    """A server with an access server of every sort, and filters that every kind can be sent."""
    instance = Poprad(listen=["0.0.0.0"])
    try:
        instance.create_database()
        for plan in ("dialup", "dsl-dynamic"):
            instance.ctl("plan", "set", plan, "--no-filters")
        instance.ctl("filter", "add", "no-servers", "--direction", "out", "--rule", "deny tcp any pool dynamic eq smtp",
                     "--rule", "permit ip any any")
        instance.ctl("filter", "add", "no-smtp", "--direction", "in", "--scope", "own-network",
                     "--rule", "deny tcp any any eq smtp", "--rule", "permit ip any any")
        instance.ctl("filterset", "add", "residential", "--in", "no-smtp", "--out", "no-servers", "--name", "usr=home")
        instance.ctl("nas", "add", "virtual", "127.0.99.1", "--secret", "testing123", "--group", "rented")
        instance.ctl("group", "set", "rented", "--own-network", "no")
        for place in PLACES:
            name = place.replace(" ", "-")
            instance.ctl("nas", "add", name, f"{NET[place]}.1", "--secret", "testing123", *kind_and_form(place))
            instance.ctl("nas", "add", f"{name}-virtual", f"{NET[place]}.2", "--secret", "testing123", "--group", "rented",
                         *kind_and_form(place))
        instance.ctl("plan", "add", "residential", "--pool", "dynamic", "--filter", "no-servers", "--filter", "no-smtp")
        instance.ctl("plan", "add", "open", "--pool", "dynamic")
        instance.ctl("plan", "add", "fixed", "--filter", "no-servers", "--filter", "no-smtp")
        for plan in ("residential", "open"):
            instance.ctl("subscriber", "add", f"{plan}@isp.example", "--password", "let-me-in", "--plan", plan)
        instance.ctl("subscriber", "add", "fixed@isp.example", "--password", "let-me-in", "--plan", "fixed", "--static-address",
                     "10.0.4.20")
        for login in ("server", "quarantined"):
            instance.ctl("subscriber", "add", f"{login}@isp.example", "--password", "let-me-in", "--plan", "residential",
                         "--attribute", "Idle-Timeout = 77")
        instance.ctl("filter", "add", "hold", "--direction", "in", "--rule", "deny tcp any any eq smtp", "--rule",
                     "permit ip any any")
        instance.ctl("filterset", "add", "hold", "--in", "hold")
        instance.ctl("filter", "add", "no-netbios", "--direction", "in", "--rule", "deny udp any any eq 137", "--rule",
                     "permit ip any any")
        for login in ("tenant", "rebel"):
            instance.ctl("subscriber", "add", f"{login}@wholesale.example", "--password", "let-me-in", "--plan", "residential")
        instance.ctl("realm", "set", "wholesale.example", "--filter", "no-netbios")
        instance.ctl("subscriber", "set", "rebel@wholesale.example", "--attribute", "Filter-Id = open.in", "--attribute",
                     "Ascend-Data-Filter = ip in forward", "--attribute", "Cisco-AVPair = ip:inacl#1=permit ip any any")
        instance.ctl("subscriber", "exempt", "server@isp.example", "no-smtp", "--reason", "has a mail server")
        instance.ctl("subscriber", "quarantine", "quarantined@isp.example", "hold", "--reason", "sends spam")
        instance.ctl("subscriber", "exempt", "quarantined@isp.example", "no-servers", "--reason", "has a web server")
        instance.start()
        yield instance
    finally:
        instance.close()


def radclient(server, source, login, password="let-me-in"):
    """What radclient prints of the answer, attribute by attribute."""
    line = (f'User-Name = "{login}", User-Password = "{password}", NAS-Port = {next(NUMBERS)}, '
            f'Packet-Src-IP-Address = {source}\n')
    done = subprocess.run(["radclient", "-x", "-r", "10", f"127.0.0.1:{server.auth_port}", "auth", "testing123"], input=line,
                          text=True, capture_output=True, timeout=120)
    answer = done.stdout.partition("Received ")[2]
    assert answer.startswith("Access-Accept"), done.stdout + done.stderr
    return [line.strip().replace('"', "") for line in answer.splitlines()[1:] if line.startswith("\t")]


def filters_of(attributes):
    return [line for line in attributes if line.startswith(FILTER_ATTRIBUTES)]


@pytest.mark.parametrize("place, is_virtual", PLACES_AND_NETWORKS)
def test_a_residential_plan(provider, place, is_virtual):
    attributes = radclient(provider, f"{NET[place]}.{2 if is_virtual else 1}", "residential@isp.example")
    assert filters_of(attributes) == EXPECTED[place][is_virtual], attributes
    assert any(line.startswith("Framed-IP-Address = ") for line in attributes)


@pytest.mark.parametrize("place, is_virtual", PLACES_AND_NETWORKS)
def test_a_plan_without_filters(provider, place, is_virtual):
    assert filters_of(radclient(provider, f"{NET[place]}.{2 if is_virtual else 1}", "open@isp.example")) == []


@pytest.mark.parametrize("place, is_virtual", PLACES_AND_NETWORKS)
def test_who_is_exempt_from_one(provider, place, is_virtual):
    """What is left is what a virtual POP gets of the plan: that leaves the same filter out."""
    attributes = radclient(provider, f"{NET[place]}.{2 if is_virtual else 1}", "server@isp.example")
    assert filters_of(attributes) == EXPECTED[place][1], attributes


def quarantined(place):
    """The rules of the filter are those of the plan's."""
    names = {"juniper": ["ERX-Ingress-Policy-Name = hold"], "usr": ["Filter-Id = hold"], "portmaster": ["Filter-Id = hold"]}
    if EXPECTED[place][0] == NAMES:
        return ["Filter-Id = hold.in"]
    return names.get(place, EXPECTED[place][0][len(EXPECTED[place][1]):])


@pytest.mark.parametrize("place, is_virtual", PLACES_AND_NETWORKS)
def test_who_is_in_quarantine(provider, place, is_virtual):
    attributes = radclient(provider, f"{NET[place]}.{2 if is_virtual else 1}", "quarantined@isp.example")
    assert filters_of(attributes) == quarantined(place), attributes
    assert "Idle-Timeout = 77" in attributes


# The filter that the realm imposes is about what comes from the subscriber, so before the plan's for that.
NETBIOS_OLD = "Attr-242 = 0x01000100000000000000000000001100000000890002" + 20 * "0"
NETBIOS = {
    "cisco rules": ["Cisco-AVPair = ip:inacl#1=deny udp any any eq netbios-ns"],
    "ascend": ["Ascend-Data-Filter = ip in drop udp dstport = 137"],
    "ascend old-rules": [NETBIOS_OLD],
    "nokia": ["NAS-Filter-Rule = deny in 17 from any to any 137"],
    "other rules": ["NAS-Filter-Rule = deny in 17 from any to any 137"],
}
IN_ALONE = {"ascend": IN_ASCEND[-1:], "ascend old-rules": IN_OLD[-1:], "nokia": IN_RULES[-1:], "other rules": IN_RULES[-1:],
            "cisco rules": IN_CISCO[-1:]}


def imposed(place, is_virtual):
    if place in NETBIOS:
        both, out = EXPECTED[place]
        rules = NETBIOS[place] + (IN_ALONE[place] if is_virtual else both[len(out):])
        if place == "cisco rules":
            rules = [re.sub(r"#\d+", f"#{number}", rule) for number, rule in enumerate(rules, 1)]
        return rules + out
    if place == "juniper":
        return ["ERX-Ingress-Policy-Name = no-netbios", "ERX-Egress-Policy-Name = no-servers"]
    if place in ("usr", "portmaster"):
        return ["Filter-Id = no-netbios"]
    return ["Filter-Id = no-netbios.in", "Filter-Id = no-servers.out"] if EXPECTED[place][0] == NAMES else []


@pytest.mark.parametrize("place, is_virtual", PLACES_AND_NETWORKS)
def test_what_a_realm_imposes(provider, place, is_virtual):
    source = f"{NET[place]}.{2 if is_virtual else 1}"
    assert filters_of(radclient(provider, source, "tenant@wholesale.example")) == imposed(place, is_virtual)
    rebel = filters_of(radclient(provider, source, "rebel@wholesale.example"))
    if imposed(place, is_virtual):
        assert rebel == imposed(place, is_virtual)
    else:
        assert rebel[0] == "Filter-Id = open.in"


def test_what_a_realm_imposes_stays(provider, refused):
    """Neither an exemption nor a quarantine takes it away, and everybody is told of it."""
    login, source = "rebel@wholesale.example", f"{NET['cisco rules']}.1"
    refused("realm wholesale.example imposes filter no-netbios, and nobody is exempt from it", "subscriber", "exempt", login,
            "no-netbios", "--reason", "asks for it")
    refused("a realm imposes that filter", "filter", "remove", "no-netbios")
    _, _, errors = provider.run("subscriber", "quarantine", login, "hold", "--reason", "sends spam")
    assert "popradctl: note: where names are sent, what is imposed goes in the place of the set's filter: no-netbios (realm " \
        "wholesale.example)\n" in errors
    assert filters_of(radclient(provider, source, login)) == [
        "Cisco-AVPair = ip:inacl#1=deny udp any any eq netbios-ns", "Cisco-AVPair = ip:inacl#2=deny tcp any any eq smtp",
        "Cisco-AVPair = ip:inacl#3=permit ip any any"]
    assert previewed(provider, login, "cisco") == ["Filter-Id = no-netbios.in"]
    provider.ctl("subscriber", "release", login)
    assert "  His realm imposes: no-netbios.\n" in provider.ctl("why", login)
    assert json.loads(provider.ctl("realm", "show", "wholesale.example", "--json"))["filters"] == ["no-netbios"]
    assert json.loads(provider.ctl("subscriber", "show", login, "--json"))["imposed_filters"] == ["no-netbios"]
    assert json.loads(provider.ctl("filter", "show", "no-netbios", "--json"))["imposed_by"] == ["realm wholesale.example"]


def test_what_a_group_imposes(provider, refused):
    login, source = "server@isp.example", f"{NET['other rules']}.2"
    before = filters_of(radclient(provider, source, login))
    refused("no-netbios and hold are both imposed there, and one name is sent for a direction",
            "group", "set", "rented", "--filter", "no-netbios", "--filter", "hold")
    provider.ctl("group", "set", "rented", "--filter", "no-netbios")
    try:
        after = IN_RULES[-1:] + before
        after = ["NAS-Filter-Rule = deny in 17 from any to any 137", *after]
        wait_for(lambda: filters_of(radclient(provider, source, login)) == after, "the group's filter")
        assert filters_of(radclient(provider, f"{NET['other rules']}.1", login)) == before
        assert "    group rented imposes: no-netbios\n" in provider.ctl("why", login)
        shown = json.loads(provider.ctl("group", "show", "rented", "--json"))
        assert (shown["filters"], shown["is_own_network"]) == (["no-netbios"], False)
        # Once, whoever imposes it.
        tenant = filters_of(radclient(provider, source, "tenant@wholesale.example"))
        assert tenant == imposed("other rules", True)
        _, _, errors = provider.run("group", "set", "rented", "--filter", "no-netbios")
        assert "exemption" not in errors
        assert re.search(r"note: no filters are sent to NAS accel-ppp-virtual \(accel-ppp\), cisco-none-virtual "
                         r"\(cisco, filter form none\), huawei-virtual \(huawei\); ", errors), errors
        refused("virtual POP, group rented: no-netbios, rule 2: this form has no ranges", "filter", "rule-add",
                "no-netbios", "deny udp any any range 5000 6000", "--before", "2")
    finally:
        provider.ctl("group", "set", "rented", "--no-filters")


def test_who_imposes_is_told_of_exemptions(provider):
    try:
        _, _, errors = provider.run("group", "set", "rented", "--filter", "no-smtp")
        assert re.search(r"note: \d+ exemption\(s\) from it do not count there\n", errors), errors
        status, _, errors = provider.run("subscriber", "exempt", "residential@isp.example", "no-smtp", "--reason", "a mail server")
        assert (status, errors) == (0, "popradctl: note: it applies all the same in the groups that impose it: rented\n")
        provider.ctl("subscriber", "unexempt", "residential@isp.example", "no-smtp")
    finally:
        provider.ctl("group", "set", "rented", "--no-filters")


def test_who_imposes_says_which_name_goes_alone(provider):
    _, _, errors = provider.run("realm", "set", "wholesale.example", "--no-filters")
    assert errors == ""
    status, _, errors = provider.run("realm", "set", "wholesale.example", "--filter", "no-netbios")
    assert status == 0
    assert "note: plan residential in realm wholesale.example, NAS of kind cisco: no-netbios is imposed there, and where names " \
        "are sent, no-smtp gives way to it\n" in errors, errors


def previewed(provider, login, name):
    """As radclient shows it, which writes a line for each of the rules that NUL separates."""
    lines = provider.ctl("filter", "preview", login, "--nas", name).replace('"', "").splitlines()
    assert lines.pop(0) == "Framed-IP-Address = (of pool dynamic)"
    return [part if n == 0 else f"NAS-Filter-Rule = {part}" for line in lines for n, part in enumerate(line.split("\\x00"))]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("login", ["residential", "open", "server", "quarantined"])
def test_a_preview_says_what_is_sent(provider, place, login):
    """Of binary records only how many there are: our dictionary shows them in another way than radclient's."""
    name = place.replace(" ", "-")
    for host, nas in (("1", name), ("2", f"{name}-virtual")):
        sent = filters_of(radclient(provider, f"{NET[place]}.{host}", f"{login}@isp.example"))
        shown = previewed(provider, f"{login}@isp.example", nas)
        if place.startswith("ascend"):
            assert len([line for line in shown if not line.startswith("Idle-Timeout")]) == len(sent)
        else:
            assert [line for line in shown if not line.startswith("Idle-Timeout")] == sent
        assert ("Idle-Timeout = 77" in shown) == (login in ("server", "quarantined"))


def test_a_preview_as_json_and_of_nobody(provider, refused):
    shown = json.loads(provider.ctl("filter", "preview", "quarantined@isp.example", "--nas", "cisco", "--json"))
    assert {"attribute": "Filter-Id", "value": "hold.in"} in [
        {**one, "value": one["value"].replace('"', "")} for one in shown]
    refused("there is no subscriber nobody", "filter", "preview", "nobody", "--nas", "cisco")
    refused("there is no nas nowhere", "filter", "preview", "open@isp.example", "--nas", "nowhere")


def test_a_preview_says_more_than_filters(provider):
    """Address and times, and in sentences what no attribute says."""
    def preview(login, nas="cisco"):
        status, output, errors = provider.run("filter", "preview", login, "--nas", nas)
        assert status == 0, errors
        return output.replace('"', "").splitlines(), errors
    provider.ctl("plan", "add", "hold", "--session-timeout", "5m")
    provider.ctl("plan", "add", "timed", "--session-timeout", "8h", "--idle-timeout", "15m", "--interim", "10m", "--suspended",
                 "hold", "--filter", "no-servers")
    login = "timed@isp.example"
    provider.ctl("subscriber", "add", login, "--password", "let-me-in", "--plan", "timed", "--static-address", "10.0.4.21")
    assert preview(login) == (["Framed-IP-Address = 10.0.4.21", "Acct-Interim-Interval = 600", "Filter-Id = no-servers.out",
                               "Session-Timeout = 28800", "Idle-Timeout = 900"], "")
    provider.ctl("subscriber", "set", login, "--attribute", "Session-Timeout = 60", "--expires", "2020-01-01")
    lines, errors = preview(login)
    assert "Session-Timeout = 60" in lines and len([line for line in lines if "Session-Timeout" in line]) == 1
    assert errors == "popradctl: note: now his logins are rejected (expired); this is what he would be sent else\n"
    provider.ctl("subscriber", "suspend", login)
    assert preview(login) == (["Session-Timeout = 300"], "popradctl: note: he is let in with plan hold (suspended)\n")
    for nas in ("huawei", "cisco-none"):
        lines, errors = preview("residential@isp.example", nas)
        assert errors == f"popradctl: note: to this access server (kind {nas.split('-')[0]}) no filters are sent\n"
        assert lines == ["Framed-IP-Address = (of pool dynamic)"]
    # The attempt says it, too.
    radclient(provider, f"{NET['cisco']}.1", login)
    wait_for(lambda: "  accepted into the walled garden, because suspended: 1 attempt at" in provider.ctl("why", login),
             "the attempt")
    provider.ctl("subscriber", "remove", login, "--force")
    for plan in ("timed", "hold"):
        provider.ctl("plan", "remove", plan)


def test_a_quarantine_says_what_it_leaves(provider):
    login = "leaves@isp.example"
    provider.ctl("subscriber", "add", login, "--password", "let-me-in", "--plan", "residential")
    _, _, errors = provider.run("subscriber", "quarantine", login, "hold", "--reason", "sends spam")
    assert "popradctl: note: hold: nothing is said of IPv6, which passes\n" in errors
    assert "no filters are sent to NAS accel-ppp (accel-ppp), accel-ppp-virtual (accel-ppp), cisco-none (cisco, filter form " \
        "none), cisco-none-virtual (cisco, filter form none), huawei (huawei), and 1 more; the quarantine does nothing there: " \
        "popradctl subscriber suspend is what is left\n" in errors
    provider.ctl("filter", "rule-add", "hold", "permit ipv6 any any")
    try:
        _, _, errors = provider.run("subscriber", "quarantine", login, "hold", "--reason", "sends spam")
        assert "IPv6" not in errors
    finally:
        provider.ctl("filter", "rule-remove", "hold", "3")
        provider.ctl("subscriber", "release", login)


def test_another_plan_must_fit_what_is_his_own(provider, refused):
    login = "moves@isp.example"
    refused("plan open does not have filter no-smtp", "subscriber", "exempt", "open@isp.example", "no-smtp", "--reason", "x")
    provider.ctl("filter", "add", "ranges", "--direction", "in", "--rule", "deny tcp any any range 7000 9000", "--rule",
                 "permit ip any any")
    provider.ctl("plan", "add", "raw", "--pool", "dynamic", "--filter", "no-servers")
    provider.ctl("subscriber", "add", login, "--password", "let-me-in", "--plan", "residential")
    provider.ctl("subscriber", "exempt", login, "no-smtp", "--reason", "has a mail server")
    status, _, errors = provider.run("subscriber", "set", login, "--plan", "raw")
    assert (status, errors) == (0, "popradctl: note: still exempt from what his plan does not have: no-smtp\n")
    provider.ctl("subscriber", "set", login, "--plan", "residential")
    # Written without popradctl, a plan may hold what some kind cannot be sent. It does not stand in the way of others.
    provider.sql("insert into poprad.plan_filter (plan_id, position, filter_id) select p.plan_id, 2, f.filter_id from poprad.plan p, "
                 "poprad.filter f where p.name = 'raw' and f.name = 'ranges'")
    refused("the filters of plan raw without no-smtp do not do for a NAS of kind", "subscriber", "set",
            login, "--plan", "raw")
    assert json.loads(provider.ctl("subscriber", "show", login, "--json"))["plan"] == "residential"
    provider.ctl("realm", "set", "wholesale.example", "--no-filters")
    provider.ctl("realm", "set", "wholesale.example", "--filter", "no-netbios")
    provider.ctl("plan", "remove", "raw")
    provider.ctl("filter", "remove", "ranges")


def test_a_quarantine_ends(provider):
    """From a login to the next, and shown while it lasts. An attribute of his own takes its place only then."""
    login, source = "held@isp.example", f"{NET['cisco']}.1"
    provider.ctl("subscriber", "add", login, "--password", "let-me-in", "--plan", "residential", "--attribute",
                 "Filter-Id = his-own")
    assert filters_of(radclient(provider, source, login)) == ["Filter-Id = his-own"]
    provider.ctl("subscriber", "exempt", login, "no-smtp", "--reason", "has a mail server")
    provider.ctl("subscriber", "quarantine", login, "hold", "--reason", "sends spam")
    assert filters_of(radclient(provider, source, login)) == ["Filter-Id = hold.in"]
    shown = json.loads(provider.ctl("subscriber", "show", login, "--json"))
    assert (shown["quarantine"]["filter_set"], shown["quarantine"]["reason"]) == ("hold", "sends spam")
    assert [(one["filter"], one["reason"]) for one in shown["exempt_from"]] == [("no-smtp", "has a mail server")]
    text = provider.ctl("why", login)
    assert re.search(r"  In quarantine with filter set hold since 20[-0-9: ]+: sends spam\.\n"
                     r"  Exempt from filter no-smtp since 20[-0-9: ]+: has a mail server\.\n", text), text
    provider.ctl("subscriber", "release", login)
    provider.ctl("subscriber", "unexempt", login, "no-smtp")
    assert filters_of(radclient(provider, source, login)) == ["Filter-Id = his-own"]


@pytest.mark.parametrize("place", PLACES)
def test_a_static_customer(provider, place):
    attributes = radclient(provider, f"{NET[place]}.1", "fixed@isp.example")
    assert filters_of(attributes) == EXPECTED[place][0]
    assert "Framed-IP-Address = 10.0.4.20" in attributes


FORMS = {"cisco": "names rules filter-server", "mikrotik": "names", "juniper": "names", "usr": "names", "portmaster": "names",
         "ascend": "rules old-rules", "nokia": "rules", "huawei": "", "accel-ppp": "", "l2tpns": "names", "pppd": "names",
         "other": "names rules"}


@pytest.mark.parametrize("kind", FORMS)
def test_each_kind_has_its_forms(provider, kind):
    for form in ("usual", "names", "rules", "old-rules", "filter-server", "none"):
        status, _, errors = provider.run("nas", "set", "virtual", "--kind", kind, "--filter-form", form)
        assert (status == 0) == (form in ("usual", "none", *FORMS[kind].split())), (kind, form, errors)
        if status != 0:
            forms = ", ".join([*FORMS[kind].split(), "none"])
            assert f"a NAS of kind {kind} does not take filters in the form {form}; its forms: {forms}" in errors
    provider.ctl("nas", "set", "virtual", "--kind", "other", "--filter-form", "usual")


# A Cisco router that asks for the rules ------------------------------------------------------------------------------

def ask(server, name, password="cisco", source=None, service="Outbound-User"):
    """Code and attributes of the answer to a router that asks for a filter."""
    line = (f'User-Name = "{name}", User-Password = "{password}", Service-Type = {service}, '
            f'Packet-Src-IP-Address = {source or NET["cisco filter-server"] + ".1"}\n')
    done = subprocess.run(["radclient", "-x", "-r", "10", f"127.0.0.1:{server.auth_port}", "auth", "testing123"], input=line,
                          text=True, capture_output=True, timeout=120)
    answer = done.stdout.partition("Received ")[2].splitlines()
    lines = [line.strip().replace('"', "") for line in answer[1:] if line.startswith("\t")]
    return answer[0].split()[0], [line for line in lines if not line.startswith("Message-Authenticator")]


def test_a_router_asks_for_a_filter(provider):
    before = provider.counter("filter_answers")
    for name in ("no-smtp", "no-smtp.in"):
        assert ask(provider, name) == ("Access-Accept", ["Service-Type = Outbound-User", *IN_CISCO])
    assert ask(provider, "no-servers") == ("Access-Accept", ["Service-Type = Outbound-User", *OUT_CISCO])
    assert provider.counter("filter_answers") == before + 3
    # Nothing but a router that is told to, in the way that it does, is answered.
    assert ask(provider, "no-smtp", password="wrong")[0] == "Access-Reject"
    assert ask(provider, "no-smtp.out") == ("Access-Reject", ["Reply-Message = No such filter"])
    assert ask(provider, "residential@isp.example", password="let-me-in")[0] == "Access-Reject"
    assert ask(provider, "no-smtp", source=NET["cisco"] + ".1") == ("Access-Reject", ["Reply-Message = Login incorrect"])
    assert ask(provider, "no-smtp", service="Framed-User") == ("Access-Reject", ["Reply-Message = Login incorrect"])


def test_a_router_has_a_password_of_its_own(provider):
    provider.ctl("nas", "set", "cisco-filter-server", "--filter-password-stdin", stdin="long and secret\n")
    wait_for(lambda: ask(provider, "no-smtp", "long and secret")[0] == "Access-Accept", "the new password")
    assert ask(provider, "no-smtp")[0] == "Access-Reject"
    assert "long and secret" not in provider.log()
    assert "filter_password" not in provider.ctl("nas", "show", "cisco-filter-server", "--json")
    shown = json.loads(provider.ctl("nas", "show", "cisco-filter-server", "--json", "--with-secret"))
    assert shown["filter_password"] == "long and secret"
    provider.ctl("nas", "set", "cisco-filter-server", "--filter-password", "cisco")
    wait_for(lambda: ask(provider, "no-smtp")[0] == "Access-Accept", "the usual password")


def test_what_a_router_asked_for_is_told(provider):
    ask(provider, "no-smtp.in")
    ask(provider, "no-stmp")
    wait_for(lambda: "accepted" in provider.ctl("why", "no-smtp.in"), "the attempt")
    text = provider.ctl("why", "no-smtp.in")
    assert text.startswith("no-smtp.in: no subscriber, but the filter no-smtp, for which access servers"), text
    wait_for(lambda: "unknown filter" in provider.ctl("why", "no-stmp"), "the other attempt")


def test_a_filter_that_is_too_long_to_be_asked_for(provider):
    """In a plan it is refused; a filter that no plan has is refused to who asks for it."""
    provider.ctl("filter", "add", "lengthy", "--direction", "in", "--file", "-",
                 stdin="".join(f"deny tcp any host 10.9.{number}.1 eq smtp\n" for number in range(90)))
    try:
        wait_for(lambda: ask(provider, "lengthy") == ("Access-Reject", ["Reply-Message = Service not available"]), "the filter")
        status, _, errors = provider.run("plan", "add", "long", "--filter", "lengthy")
        assert status == REFUSED and "lengthy take" in errors, errors
    finally:
        provider.ctl("filter", "remove", "lengthy")


# What is entered ---------------------------------------------------------------------------------------------------

@pytest.fixture
def refused(provider):
    """refused(part, words...): refused with one line that has the part, and nothing is changed."""
    def check(part, *words, stdin=""):
        before = provider.value("select poprad.catalog() - 'version'")
        status, output, errors = provider.run(*words, stdin=stdin)
        assert (status, output) == (REFUSED, ""), (words, output, errors)
        assert part in errors and len(errors.splitlines()) == 1, errors
        assert provider.value("select poprad.catalog() - 'version'") == before
    return check


def test_rules_that_a_kind_cannot_be_sent_are_refused(refused):
    refused("the filters of plan residential do not do for a NAS of kind ascend: no-smtp, rule 3: this form has no ranges",
            "filter", "rule-add", "no-smtp", "deny udp any any range 5000 6000")
    refused("kind nokia: no-servers and no-smtp become 14 rules, and it takes 10",
            "filter", "set", "no-servers", "--rule", "deny tcp any any eq 1 2 3 4 5 6 7 8 9 10", "--rule", "permit udp any any",
            "--rule", "permit ip any any")
    refused("no-smtp has no rules", "filter", "set", "no-smtp", "--file", "/dev/null")
    refused("octets of an answer, in which they have 3584", "filter", "set", "no-smtp", "--file", "-",
            stdin="deny tcp any any eq smtp\n" * 100)


@pytest.mark.parametrize("kind", ["juniper", "ascend", "nokia", "accel-ppp"])
def test_a_set_has_no_name_where_none_is_sent(provider, kind):
    status, _, errors = provider.run("filterset", "set", "residential", "--name", f"{kind}=home")
    assert status == USAGE and "is not sent a set's name" in errors


def test_plans_are_refused(provider, refused):
    provider.ctl("filter", "add", "lengthy", "--direction", "in", "--rule", "deny tcp any any range 7000 9000", "--rule",
                 "permit ip any any")
    refused("the filters of plan new do not do for a NAS of kind ascend: lengthy, rule 1: this form has no ranges",
            "plan", "add", "new", "--filter", "lengthy")
    refused("the filters of plan open do not do for a NAS of kind ascend", "plan", "set", "open", "--filter", "lengthy")
    # What the plan gives itself stands in the place of its filters, where filters are sent so; not in a realm that imposes some.
    words = ("plan", "set", "open", "--filter", "lengthy", "--attribute", "Ascend-Data-Filter = ip in forward")
    refused("the filters of plan open in realm wholesale.example do not do for a NAS of kind ascend: lengthy, rule 1", *words)
    provider.ctl("realm", "set", "wholesale.example", "--no-filters")
    provider.ctl(*words)
    refused("the filters of plan open do not do for a NAS of kind ascend", "plan", "set", "open", "--no-attributes")
    provider.ctl("plan", "set", "open", "--no-filters", "--no-attributes")
    provider.ctl("realm", "set", "wholesale.example", "--filter", "no-netbios")
    provider.ctl("filter", "remove", "lengthy")
    refused("exclude each other", "plan", "set", "open", "--attribute", "Filter-Id = x", "--attribute",
            "NAS-Filter-Rule = permit in ip from any to any")


def test_what_a_subscriber_has_of_his_own_is_refused(provider, refused):
    provider.ctl("filter", "add", "ranges", "--direction", "in", "--rule", "deny tcp any any range 7000 9000", "--rule",
                 "permit ip any any")
    provider.ctl("filterset", "add", "ranges", "--in", "ranges")
    refused("the filters of plan residential with filter set ranges do not do for a NAS of kind ascend: ranges, rule 1: this "
            "form has no ranges", "subscriber", "quarantine", "quarantined@isp.example", "ranges", "--reason", "x")
    # A change of what stands in a set reaches those who are in quarantine with it.
    refused("the filters of plan residential with filter set hold do not do for a NAS of kind ascend", "filterset", "set",
            "hold", "--in", "ranges")
    refused("there is no filter set nowhere", "subscriber", "quarantine", "server@isp.example", "nowhere", "--reason", "x")
    refused("server@isp.example is not in quarantine", "subscriber", "release", "server@isp.example")
    refused("subscribers are in quarantine with that filter set", "filterset", "remove", "hold")
    provider.ctl("filterset", "remove", "ranges")
    provider.ctl("filter", "remove", "ranges")


def test_an_access_server_is_refused(provider, refused):
    """Ten ports and two networks make twenty rules where lists cannot be sent."""
    provider.ctl("nas", "remove", "nokia")
    provider.ctl("nas", "remove", "nokia-virtual")
    provider.ctl("filter", "add", "many-ports", "--direction", "out", "--rule",
                 "deny tcp any pool dynamic eq 1 2 3 4 5 6 7 8 9 10", "--rule", "permit ip any any")
    provider.ctl("plan", "add", "many", "--filter", "many-ports")
    try:
        refused("the filters of plan many do not do for a NAS of kind nokia: many-ports become 21 rules, and it takes 10",
                "nas", "add", "nokia", f"{NET['nokia']}.1", "--secret", "testing123", "--kind", "nokia")
        refused("of kind nokia, virtual POP", "nas", "set", "virtual", "--kind", "nokia")
        refused("of kind nokia, filter form rules, virtual POP", "nas", "set", "virtual", "--kind", "nokia", "--filter-form",
                "rules")
    finally:
        provider.ctl("plan", "remove", "many")
    provider.ctl("nas", "add", "nokia", f"{NET['nokia']}.1", "--secret", "testing123", "--kind", "nokia")
    provider.ctl("nas", "add", "nokia-virtual", f"{NET['nokia']}.2", "--secret", "testing123", "--kind", "nokia", "--group",
                 "rented")


def test_a_group_a_set_and_a_pool_are_refused(provider, refused):
    refused("kind usr: no-servers and no-smtp must have one name there", "filterset", "remove", "residential")
    provider.ctl("filter", "set", "no-servers", "--rule", "deny tcp any pool dynamic eq 1 2 3", "--rule", "permit ip any any")
    try:
        refused("no-servers and no-smtp become 12 rules, and it takes 10", "pool", "add", "dynamic", "100.99.8.0/24")
    finally:
        provider.ctl("filter", "set", "no-servers", "--rule", "deny tcp any pool dynamic eq smtp", "--rule",
                     "permit ip any any")


def test_what_was_unfit_before_does_not_stand_in_the_way(provider):
    """Rows that somebody wrote without popradctl: its user can still work, and mend them step by step."""
    provider.ctl("filter", "add", "raw", "--direction", "in", "--rule", "permit ip any any")
    provider.ctl("plan", "add", "raw", "--pool", "dynamic", "--filter", "raw")
    provider.ctl("subscriber", "add", "raw@isp.example", "--password", "let-me-in", "--plan", "raw")
    before = provider.counter("reject_filter_unfit")
    provider.sql("update poprad.filter_rule r set protocol = 'tcp', source_comparison = 'range', source_ports = '{2000,3000}' "
                 "from poprad.filter f where f.filter_id = r.filter_id and f.name = 'raw'")
    client = Client(provider, f"{NET['ascend']}.1")
    try:
        wait_for(lambda: client.login("raw@isp.example", "let-me-in").code == ACCESS_REJECT, "the filter to be unfit")
        assert provider.counter("reject_filter_unfit") > before
        assert re.search(r'filter_unfit plan="raw" nas="kind ascend" login=refused reason="raw, rule 1: this form has no ranges',
                         provider.log())
        # Elsewhere it does.
        assert filters_of(radclient(provider, f"{NET['cisco']}.1", "raw@isp.example")) == ["Filter-Id = raw.in"]
        provider.ctl("plan", "set", "open", "--sessions", "0")
        provider.ctl("filter", "rule-add", "raw", "deny udp any any range 2000 3000")
        provider.ctl("filter", "set", "raw", "--rule", "permit ip any any")
        wait_for(lambda: client.login("raw@isp.example", "let-me-in").code == ACCESS_ACCEPT, "the filter to be mended")
    finally:
        client.close()


def test_filters_that_find_no_room_beside_proxy_states_are_not_left_out(provider):
    """A proxy's marks must come back; the line must not be open: so there is no line."""
    client = Client(provider, f"{NET['other rules']}.1")
    states = [(PROXY_STATE, bytes(253))] * 14
    try:
        answer = client.login("residential@isp.example", "let-me-in", states, sign=True)
        assert answer.code == ACCESS_ACCEPT and answer.all(NAS_FILTER_RULE)
        states += [(PROXY_STATE, bytes(250))]
        answer = client.login("residential@isp.example", "let-me-in", states, sign=True)
        assert answer.code == ACCESS_REJECT
        assert len(answer.all(PROXY_STATE)) == len(states)
    finally:
        client.close()


def test_rules_follow_filters_and_pools(provider):
    """A change of a rule, a set or a pool reaches the answers."""
    def answer(place):
        return filters_of(radclient(provider, f"{NET[place]}.1", "residential@isp.example"))
    provider.ctl("filter", "rule-add", "no-smtp", "deny tcp any any eq 465", "--before", "1")
    wait_for(lambda: "Cisco-AVPair = ip:inacl#1=deny tcp any any eq 465" in answer("cisco rules"), "the new rule")
    provider.ctl("filter", "rule-remove", "no-smtp", "1")
    wait_for(lambda: answer("cisco rules") == EXPECTED["cisco rules"][0], "the rule to go")
    provider.ctl("filterset", "set", "residential", "--name", "usr=other-name")
    wait_for(lambda: answer("usr") == ["Filter-Id = other-name"], "the set's new name")
    provider.ctl("filterset", "set", "residential", "--name", "usr=home")
    # Of a group without access servers, so that nobody holds an address of it.
    provider.ctl("pool", "add", "dynamic", "100.99.8.0/30", "--group", "nowhere")
    wait_for(lambda: any("100.99.8.0 0.0.0.3" in line for line in answer("cisco rules")), "the pool's new range")
    provider.ctl("pool", "remove", "dynamic", "100.99.8.0/30")
    wait_for(lambda: answer("cisco rules") == EXPECTED["cisco rules"][0], "the pool's range to go")
