# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Filters: entered, exported for routers and access servers, and at work in a kernel."""
import itertools
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from support.poprad import PATIENCE_S, Poprad

REFUSED, USAGE = 1, 2
NUMBERS = itertools.count(1)
NAMESPACE = pathlib.Path(__file__).resolve().parents[1] / "support" / "namespace.py"

# The lists of the sample provider as its routers have them.
SAMPLE_IOS = """\
no ip access-list extended from-general-customer-equipment
ip access-list extended from-general-customer-equipment
 permit tcp 10.0.8.0 0.0.7.255 10.0.1.0 0.0.0.15 eq smtp
 permit tcp 192.168.4.0 0.0.3.255 10.0.1.0 0.0.0.15 eq smtp
 deny tcp 10.0.8.0 0.0.7.255 any eq smtp
 deny tcp 192.168.4.0 0.0.3.255 any eq smtp
 permit ip any any
exit
no ip access-list extended from-internet
ip access-list extended from-internet
 permit tcp any 10.0.1.0 0.0.0.15 eq smtp
 deny tcp any any eq smtp
 permit ip any any
exit
no ip access-list extended to-general-customer-equipment
ip access-list extended to-general-customer-equipment
 deny tcp any 10.0.8.0 0.0.7.255 eq smtp www pop2 pop3 139 irc 443 1080 8000 8080
 deny tcp any 192.168.4.0 0.0.3.255 eq smtp www pop2 pop3 139 irc 443 1080 8000 8080
 permit ip any any
exit
"""

SUBSCRIBER, MAIL_SERVER, OUTSIDE = "10.0.8.5", "10.0.1.1", "203.0.113.9"

# Whatever a rule can say.
EVERYTHING = """\
# A comment, an empty line, and a router's comment are passed over.

!
permit tcp any any established
deny tcp 10.0.8.0 0.0.7.255 neq 25 host 203.0.113.9 range 6000 6063
  deny udp any lt 1024 any gt 1023
deny udp any any eq domain ntp\r
permit icmp any any
deny gre any any
deny 99 any any
permit ipv6 host 2001:db8::5 2001:db8::/32
permit tcp pool dynamic any neq smtp"""


@pytest.fixture(scope="module")
def operator():
    """A database with the sample provider, and no server."""
    instance = Poprad()
    try:
        instance.create_database()
        yield instance
    finally:
        instance.close()


@pytest.fixture
def name():
    """Of a filter that no other test has."""
    return f"filter-{next(NUMBERS)}"


@pytest.fixture
def rules_file(operator):
    def write(text):
        path = operator.directory / f"rules-{next(NUMBERS)}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o644)
        return str(path)
    return write


@pytest.fixture
def refused(operator):
    """refused(code, words...): that exit code and nothing on standard output; the lines of standard error."""
    def check(code, *words):
        status, output, errors = operator.run(*words)
        assert (status, output) == (code, ""), (words, output, errors)
        return errors.splitlines()
    return check


def rules(operator, filter_name):
    return operator.ctl_json("filter", "show", filter_name)["rules"]


# Entering --------------------------------------------------------------------------------------------------------

def test_rules_from_a_file_and_from_standard_input(operator, name, rules_file):
    operator.ctl("filter", "add", name, "--direction", "in", "--file", rules_file(EVERYTHING))
    expected = [
        "permit tcp any any established",
        "deny tcp 10.0.8.0/21 neq smtp host 203.0.113.9 range 6000 6063",
        "deny udp any lt 1024 any gt 1023",
        "deny udp any any eq domain ntp",
        "permit icmp any any",
        "deny gre any any",
        "deny 99 any any",
        "permit ipv6 host 2001:db8::5 2001:db8::/32",
        "permit tcp pool dynamic any neq smtp"]
    assert rules(operator, name) == expected
    operator.ctl("filter", "set", name, "--file", "-", stdin="\n".join(expected[:2]) + "\n")
    assert rules(operator, name) == expected[:2]


def test_a_wrong_line_of_a_file_is_named_with_its_column(operator, name, refused, rules_file):
    path = rules_file("permit ip any any\n# fine\ndeny tcp any any eq smpt\n\ndeny ip 10.0.8.1/21 any\n")
    assert refused(USAGE, "filter", "add", name, "--direction", "in", "--file", path) == [
        f"popradctl: {path}:3:21: expected a port of tcp (0 to 65535, or a name as smtp or www), not 'smpt'",
        f"popradctl: {path}:5:9: 10.0.8.1/21 does not begin on a boundary of its length; did you mean 10.0.8.0/21?"]
    assert refused(REFUSED, "filter", "show", name)


HOSTILE = {
    "NUL": (b"permit ip any any\x00\n", ":1:18: a character"),
    "no UTF-8": (b"permit ip any any \xff\n", ":1:19: a character"),
    "byte order mark": (b"\xef\xbb\xbfpermit ip any any\n", ":1:1: a character"),
    "endless word": (b"x" * 100000, ":1:512: the rule is longer"),
    "endless blanks": (b"permit ip any any" + b" " * 100000 + b"\n", ":1:512: the rule is longer"),
    "many rules": (b"permit ip any any\n" * 257, ":257:1: more rules"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused(name, refused, rules_file, kind):
    text, part = HOSTILE[kind]
    lines = refused(USAGE, "filter", "add", name, "--direction", "in", "--file", rules_file(text))
    assert len(lines) == 1 and part in lines[0], lines


def test_many_wrong_lines_are_counted(name, refused, rules_file):
    lines = refused(USAGE, "filter", "add", name, "--direction", "in", "--file", rules_file("wrong\n" * 50))
    assert len(lines) == 21 and lines[-1].endswith(": 30 wrong lines more")


def test_rules_one_by_one(operator, name, refused):
    operator.ctl("filter", "add", name, "--direction", "in")
    operator.ctl("filter", "rule-add", name, "permit ip any any")
    operator.ctl("filter", "rule-add", name, "deny tcp any any eq 25", "--before", "1")
    operator.ctl("filter", "rule-add", name, "permit tcp any host 10.0.1.2 eq 25", "--before", "1")
    operator.ctl("filter", "rule-add", name, "deny ip any pool dynamic", "--before", "4")
    assert rules(operator, name) == [
        "permit tcp any host 10.0.1.2 eq smtp", "deny tcp any any eq smtp", "permit ip any any", "deny ip any pool dynamic"]
    operator.ctl("filter", "rule-remove", name, "2")
    operator.ctl("filter", "rule-remove", name, "3")
    assert rules(operator, name) == ["permit tcp any host 10.0.1.2 eq smtp", "permit ip any any"]
    assert "has no rule 3" in refused(REFUSED, "filter", "rule-remove", name, "3")[0]
    assert "from 1 to 3" in refused(REFUSED, "filter", "rule-add", name, "deny ip any any", "--before", "4")[0]
    assert "from 1 to 3" in refused(REFUSED, "filter", "rule-add", name, "deny ip any any", "--before", "0")[0]
    assert "no filter nothing" in refused(REFUSED, "filter", "rule-add", "nothing", "deny ip any any")[0]
    assert "no pool nowhere" in refused(REFUSED, "filter", "rule-add", name, "deny ip any pool nowhere")[0]
    assert "column 9" in refused(USAGE, "filter", "rule-add", name, "deny ip x any")[0]
    assert rules(operator, name) == ["permit tcp any host 10.0.1.2 eq smtp", "permit ip any any"]


def test_a_filter_has_a_bounded_number_of_rules(operator, name, refused, rules_file):
    operator.ctl("filter", "add", name, "--direction", "in", "--file", rules_file("permit ip any any\n" * 256))
    assert "256 rules at most" in refused(REFUSED, "filter", "rule-add", name, "deny ip any any", "--before", "1")[0]
    assert len(rules(operator, name)) == 256


def test_rule_and_file_exclude_each_other(name, refused, rules_file):
    assert "exclude each other" in refused(USAGE, "filter", "add", name, "--direction", "in", "--rule", "deny ip any any",
                                           "--file", rules_file("deny ip any any"))[0]


def test_a_pool_that_a_rule_names_stays(operator, name, refused):
    operator.ctl("pool", "add", name, "100.99.0.0/30")
    operator.ctl("filter", "add", name, "--direction", "in", "--rule", f"deny ip pool {name} any")
    assert "a filter's rule names that pool" in refused(REFUSED, "pool", "remove", name)[0]
    operator.ctl("filter", "remove", name)
    operator.ctl("pool", "remove", name)


# Pairs -----------------------------------------------------------------------------------------------------------

def test_a_filter_set(operator, name, refused):
    up, down = f"{name}-up", f"{name}-down"
    operator.ctl("filter", "add", up, "--direction", "in", "--rule", "permit ip any any")
    operator.ctl("filter", "add", down, "--direction", "out", "--rule", "permit ip any any")
    operator.ctl("filterset", "add", name, "--in", up, "--out", down, "--name", "usr=short", "--name", "portmaster=std.ppp")
    shown = operator.ctl_json("filterset", "show", name)
    assert (shown["in_filter"], shown["out_filter"], shown["names"]) == (up, down, {"usr": "short", "portmaster": "std.ppp"})
    operator.ctl("filterset", "set", name, "--no-out", "--name", "portmaster=", "--name", "usr=other", "--purpose", "A test.")
    shown = operator.ctl_json("filterset", "show", name)
    assert (shown["in_filter"], shown["out_filter"], shown["names"], shown["purpose"]) == (up, None, {"usr": "other"}, "A test.")
    assert operator.ctl_json("filter", "show", up)["filter_sets"] == [name]
    assert name in [row["name"] for row in operator.ctl_json("filterset", "list")]
    assert "at least one filter" in refused(REFUSED, "filterset", "set", name, "--no-in")[0]
    assert "at least one filter" in refused(REFUSED, "filterset", "add", f"{name}-2")[0]
    assert f"the direction of filter {down} is out, not in" in refused(REFUSED, "filterset", "set", name, "--in", down)[0]
    assert "has it for the other direction" in refused(REFUSED, "filter", "set", up, "--direction", "out")[0]
    assert "exists already" in refused(REFUSED, "filterset", "add", name, "--in", up)[0]
    assert "a filter set has that filter" in refused(REFUSED, "filter", "remove", up)[0]
    for wrong, part in (("toaster=x", "no kind of NAS"), ("usr=sixteen-letters-", "at most 15"), ("usr", "KIND=SHORT"),
                        ("usr=a b", "has a character")):
        assert part in refused(USAGE, "filterset", "set", name, "--name", wrong)[0]
    operator.ctl("filterset", "remove", name)
    operator.ctl("filter", "remove", up)


def test_the_sample_has_a_filter_set(operator):
    assert operator.ctl_json("filterset", "show", "general-customer-equipment")["names"] == {
        "portmaster": "general", "usr": "general"}


# Exporting -------------------------------------------------------------------------------------------------------

SAMPLE = ("from-general-customer-equipment", "from-internet", "to-general-customer-equipment")


def test_the_sample_for_routers(operator):
    assert operator.ctl("filter", "export", *SAMPLE, "--format", "ios") == SAMPLE_IOS


def test_filters_are_exported_in_the_order_asked_for(operator):
    output = operator.ctl("filter", "export", "to-general-customer-equipment", "from-internet", "--format", "ios")
    assert re.findall("^ip access-list extended (.*)$", output, re.M) == ["to-general-customer-equipment", "from-internet"]


def test_all_filters_are_exported_by_default(operator):
    every = [row["name"] for row in operator.ctl_json("filter", "list")]
    if any(not operator.ctl_json("filter", "show", one)["rules"] for one in every):
        pytest.fail("a test leaves a filter behind that has no rules")
    output = operator.ctl("filter", "export", "--format", "mikrotik")
    assert set(SAMPLE) <= set(re.findall('find chain="(.*)"', output)) and len(every) >= 3


def test_what_comes_out_for_ios_can_be_entered(operator, name, rules_file):
    output = operator.ctl("filter", "export", "from-internet", "--format", "ios")
    lines = [line for line in output.splitlines() if line.startswith(" ")]
    operator.ctl("filter", "add", name, "--direction", "in", "--file", rules_file("\n".join(lines)))
    assert rules(operator, name) == rules(operator, "from-internet")


def test_rules_follow_the_pool(operator, name):
    operator.ctl("pool", "add", name, "100.98.0.0/30")
    operator.ctl("filter", "add", name, "--direction", "out", "--rule", f"deny tcp any pool {name} eq 25",
                 "--rule", "permit ip any any")
    entries = " deny tcp any 100.98.0.0 0.0.0.3 eq smtp\n"
    assert entries + " permit" in operator.ctl("filter", "export", name, "--format", "ios")
    operator.ctl("pool", "add", name, "100.98.0.8/30")
    entries += " deny tcp any 100.98.0.8 0.0.0.3 eq smtp\n"
    assert entries + " permit" in operator.ctl("filter", "export", name, "--format", "ios")


def test_attributes_of_an_answer(operator):
    assert operator.ctl("filter", "export", "from-internet", "--format", "cisco-avpair") == (
        "# from-internet, in: 3 attributes, 138 octets of a packet\n"
        'Cisco-AVPair = "ip:inacl#1=permit tcp any 10.0.1.0 0.0.0.15 eq smtp"\n'
        'Cisco-AVPair = "ip:inacl#2=deny tcp any any eq smtp"\n'
        'Cisco-AVPair = "ip:inacl#3=permit ip any any"\n')
    assert operator.ctl("filter", "export", "from-internet", "--format", "ascend") == (
        "# from-internet, in: 3 attributes, 120 octets of a packet\n"
        "Ascend-Data-Filter = 0x01010100000000000a000100001c060000000019000200000000000000000000\n"
        "Ascend-Data-Filter = 0x0100010000000000000000000000060000000019000200000000000000000000\n"
        "Ascend-Data-Filter = 0x0101010000000000000000000000000000000000000000000000000000000000\n")
    assert operator.ctl("filter", "export", "from-internet", "--format", "radius") == (
        "# from-internet, in: 1 attributes, 98 octets of a packet\n"
        'NAS-Filter-Rule = "permit in 6 from any to 10.0.1.0/28 25\\000deny in 6 from any to any 25\\000'
        'permit in ip from any to any"\n')


@pytest.mark.parametrize("format", ["ios", "mikrotik", "nftables", "cisco-avpair", "ascend", "radius"])
def test_half_of_an_export_is_never_written(operator, name, refused, format):
    operator.ctl("filter", "add", name, "--direction", "in")
    try:
        lines = refused(REFUSED, "filter", "export", "from-internet", name, "--format", format)
        assert lines == [f"popradctl: filter {name} as {format}: {name} has no rules"]
        assert "no filter nothing" in refused(REFUSED, "filter", "export", "from-internet", "nothing", "--format", format)[0]
    finally:
        operator.ctl("filter", "remove", name)


def test_what_a_form_cannot_say_is_refused_with_the_rule(operator, name, refused):
    operator.ctl("filter", "add", name, "--direction", "in", "--rule", "permit ip any any", "--rule",
                 "deny tcp any any range 1000 2000")
    assert f"{name}, rule 2: this form has no ranges" in refused(REFUSED, "filter", "export", name, "--format", "ascend")[0]
    assert "goes with --format nftables" in refused(USAGE, "filter", "export", name, "--format", "ios", "--interface", "lo")[0]
    assert "the interface is a name" in refused(REFUSED, "filter", "export", name, "--format", "nftables", "--interface", 'a"b')[0]


# At work ---------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def connections():
    """connections(files, (from, to, port), ...) says which of these pass on a host with these nftables files."""
    assert shutil.which("nft", path="/usr/sbin:/sbin:/usr/bin"), "nft is missing (Debian: nftables)"
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine makes no network namespaces for us")

    def run(files, *tries):
        words = [str(word) for one in tries for word in one]
        done = subprocess.run(["unshare", "-rn", sys.executable, NAMESPACE, *files, "--", *words], text=True,
                              capture_output=True, timeout=PATIENCE_S)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    return run


@pytest.fixture
def nftables(operator, rules_file):
    def export(*words):
        return rules_file(operator.ctl("filter", "export", *words, "--format", "nftables", "--interface", "lo"))
    return export


def test_without_a_filter_everything_passes(connections):
    assert connections([], (SUBSCRIBER, OUTSIDE, 25), (SUBSCRIBER, OUTSIDE, 80)) == [True, True]


def test_mail_leaves_through_the_mail_server_alone(connections, nftables):
    path = nftables("from-general-customer-equipment")
    assert connections(
        [path], (SUBSCRIBER, OUTSIDE, 25), ("192.168.5.5", OUTSIDE, 25), (SUBSCRIBER, MAIL_SERVER, 25),
        (SUBSCRIBER, OUTSIDE, 80), (OUTSIDE, MAIL_SERVER, 25), ("2001:db8::5", "2001:db8::25", 25)) == [
            False, False, True, True, True, True]


def test_nobody_reaches_servers_of_dynamic_customers(connections, nftables):
    path = nftables("to-general-customer-equipment")
    assert connections([path], (OUTSIDE, SUBSCRIBER, 80), (OUTSIDE, SUBSCRIBER, 8080), (OUTSIDE, SUBSCRIBER, 22),
                       (OUTSIDE, MAIL_SERVER, 80)) == [False, False, True, True]


def test_loaded_again_it_replaces_itself(operator, connections, name, nftables):
    operator.ctl("filter", "add", name, "--direction", "in", "--rule", "deny tcp any any eq 25", "--rule", "permit ip any any")
    first = nftables(name)
    operator.ctl("filter", "set", name, "--rule", "deny tcp any any eq 26", "--rule", "permit ip any any")
    second = nftables(name)
    assert connections([first, first], (SUBSCRIBER, OUTSIDE, 25), (SUBSCRIBER, OUTSIDE, 26)) == [False, True]
    assert connections([first, second], (SUBSCRIBER, OUTSIDE, 25), (SUBSCRIBER, OUTSIDE, 26)) == [True, False]


def test_several_filters_at_once(connections, nftables):
    """Each has its table: what one permits, another may deny."""
    path = nftables("from-general-customer-equipment", "to-general-customer-equipment")
    assert connections([path], (SUBSCRIBER, OUTSIDE, 25), (OUTSIDE, SUBSCRIBER, 80), (SUBSCRIBER, OUTSIDE, 80)) == [
        False, False, True]


def test_every_rule_loads(operator, connections, name, nftables, rules_file):
    """What no rule matches is denied, in both families, as the list is about both."""
    operator.ctl("filter", "add", name, "--direction", "in", "--file", rules_file(EVERYTHING))
    operator.ctl("filter", "rule-add", name, "permit ip 127.0.0.0/8 any", "--before", "1")
    assert connections(
        [nftables(name)], (SUBSCRIBER, OUTSIDE, 25), (SUBSCRIBER, OUTSIDE, 26), (OUTSIDE, SUBSCRIBER, 26),
        ("2001:db8::5", "2001:db8::25", 25), ("2001:db8::25", "2001:db8::5", 25)) == [False, True, False, True, False]


def test_both_families(operator, connections, name, nftables):
    operator.ctl("filter", "add", name, "--direction", "in", "--rule", "deny tcp any any eq 25", "--rule", "permit ip any any",
                 "--rule", "permit ipv6 any any")
    assert connections(
        [nftables(name)], (SUBSCRIBER, OUTSIDE, 25), (SUBSCRIBER, OUTSIDE, 26), ("2001:db8::5", "2001:db8::25", 25),
        ("2001:db8::5", "2001:db8::25", 26)) == [False, True, False, True]
