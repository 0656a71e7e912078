# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The functions beside admit(): find, free_addresses, learn_message_authenticator, the catalog; logins as entered."""

import select

import psycopg2
import pytest

from support.login import Network, admit, request


@pytest.fixture
def network(database):
    return Network(database)


@pytest.fixture
def cursor(database):
    return database.connect("poprad_server").cursor()


def rows(cursor, sql, *parameters):
    cursor.execute(sql, parameters)
    return cursor.fetchall()


# find -----------------------------------------------------------------------------------------------------------


def find(cursor, *logins):
    return rows(cursor, """select ord, subscriber_id, plan_id, status, expires_at, password, host(static_address),
                           policy, attributes from poprad.find(%s) order by ord""",
                list(logins))


def test_find_answers_by_position_and_leaves_out_the_unknown(network, cursor):
    one = network.subscriber("one", password="a")
    two = network.subscriber("two", password="b", static_address="10.0.4.10", status="suspended",
                             attributes=["Reply-Message = hi", "Idle-Timeout = 5"])
    network.run("insert into poprad.subscriber_policy (subscriber_id, session_limit) values (%s, 3)", two)
    assert find(cursor, "two", "nobody", "one", "two", "") == [
        (1, two, 1, "suspended", None, "b", "10.0.4.10", '{"session_limit": 3}', "Reply-Message = hi\nIdle-Timeout = 5"),
        (3, one, 1, "active", None, "a", None, None, None),
        (4, two, 1, "suspended", None, "b", "10.0.4.10", '{"session_limit": 3}', "Reply-Message = hi\nIdle-Timeout = 5")]
    assert find(cursor) == []


def test_find_compares_exactly(network, cursor):
    network.run("insert into poprad.realm (name) values ('isp.example'), ('other.example')")
    network.subscriber("Info@isp.example", password="a")
    network.subscriber("info@isp.example", password="b")
    network.subscriber("info@other.example", password="c")
    assert [row[5] for row in find(cursor, "info@isp.example", "Info@isp.example", "INFO@isp.example",
                                   "info@other.example", "info@isp.example ")] == ["b", "a", "c"]


# Logins as entered ----------------------------------------------------------------------------------------------


def test_the_realm_is_stored_in_lower_case_and_linked(network):
    network.run("insert into poprad.realm (name) values ('isp.example')")
    realm = network.one("select realm_id from poprad.realm")
    network.subscriber("Some@One@ISP.Example")
    assert rows(network.cursor, "select login, realm_id from poprad.subscriber") == [("Some@One@isp.example", realm)]
    network.run("update poprad.subscriber set login = 'Plain'")
    assert rows(network.cursor, "select login, realm_id from poprad.subscriber") == [("Plain", None)]


@pytest.mark.parametrize("login, words", [
    ("someone@nowhere.example", "no realm nowhere.example"), ("someone@", "no realm"), ("@isp.example", "user part"),
    ("", "user part"), ("x" * 254, "253 octets"), ("\u00e4" * 127, "253 octets")])
def test_a_login_that_could_never_work_is_refused(network, login, words):
    network.run("insert into poprad.realm (name) values ('isp.example')")
    with pytest.raises(psycopg2.Error, match=words):
        network.subscriber(login)


def test_a_static_address_is_one_address(network):
    with pytest.raises(psycopg2.errors.CheckViolation):
        network.subscriber(static_address="10.0.4.0/24")


# free_addresses -------------------------------------------------------------------------------------------------


def free(cursor, pool_range_ids, afters, counts):
    return rows(cursor, """select ord, host(address), host(last_seen)
                           from poprad.free_addresses(%s::int[], %s::inet[], %s::int[])""",
                pool_range_ids, afters, counts)


def test_free_addresses_reads_on_to_the_end(network, cursor):
    network.subscriber(static_address="10.0.8.3")
    admit(cursor, request(network.subscriber(), candidate_1="10.0.8.1"))
    seen, after = [], None
    for _ in range(4):
        answer = free(cursor, [1], [after], [5])
        seen += [address for _, address, _ in answer[:-1]]
        _, address, after = answer[-1]
        assert address is None
        if after is None:
            break
    assert after is None
    assert seen == [f"10.0.8.{n}" for n in range(16) if n not in (1, 3)]


def test_free_addresses_examines_no_more_than_it_may(network, cursor):
    network.run("update poprad.address set session_key = gen_random_uuid() where address < '10.0.8.10'")
    assert free(cursor, [1], [None], [5]) == [(1, None, "10.0.8.4")]
    assert free(cursor, [1], ["10.0.8.9"], [2]) == [
        (1, "10.0.8.10", None), (1, "10.0.8.11", None), (1, None, "10.0.8.11")]
    assert free(cursor, [1], ["10.0.8.15"], [2]) == [(1, None, None)]


def test_free_addresses_of_several_ranges_and_of_one_that_is_gone(network, cursor):
    second = network.pool("other", "10.0.9.0/31")
    assert free(cursor, [second, 4711, second], [None, None, "10.0.9.0"], [9, 9, 9]) == [
        (1, "10.0.9.0", None), (1, "10.0.9.1", None), (1, None, None), (2, None, None),
        (3, "10.0.9.1", None), (3, None, None)]


def test_free_addresses_tells_since_when(network, cursor):
    network.run("update poprad.address set changed_at = '2026-01-01 00:00:00+00' where address = '10.0.8.0'")
    cursor.execute("""select extract(epoch from changed_at)::int8
                      from poprad.free_addresses(array[1], array[null::inet], array[1])""")
    assert cursor.fetchall() == [(1767225600,), (None,)]


# learn_message_authenticator ------------------------------------------------------------------------------------


def learn(cursor, *pairs):
    return rows(cursor, "select ord from poprad.learn_message_authenticator(%s::inet[], %s::int[]) order by ord",
                [source for source, _ in pairs], [nas_id for _, nas_id in pairs])


def version(cursor):
    return rows(cursor, "select poprad.catalog_version()")[0][0]


def learned(cursor):
    return rows(cursor, "select poprad.catalog()")[0][0]["learned"]


def test_learning_is_told_to_all_and_only_once(network, cursor):
    before = version(cursor)
    assert learn(cursor, ("10.0.3.1", 1), ("10.0.3.2", 1), ("10.0.3.1", 1)) == [(1,), (2,), (3,)]
    assert learned(cursor) == ["10.0.3.1", "10.0.3.2"]
    after = version(cursor)
    assert after > before
    assert learn(cursor, ("10.0.3.2", 1)) == [(1,)]
    assert version(cursor) == after


def test_learning_of_a_nas_that_is_gone_is_nothing(network, cursor):
    before = version(cursor)
    assert learn(cursor, ("10.0.3.1", 4711)) == [(1,)]
    assert (learned(cursor), version(cursor)) == ([], before)


def test_what_was_learned_goes_with_its_nas(network, cursor):
    learn(cursor, ("10.0.3.1", 1))
    network.run("delete from poprad.nas")
    assert learned(cursor) == []


# The catalog ----------------------------------------------------------------------------------------------------


def test_the_catalog_document(network, cursor):
    west = network.group("west", is_own_network=False)
    network.pool("dynamic", "10.0.16.0/30", west)
    network.run("""update poprad.nas set nas_group_id = %s, require_message_authenticator = 'yes', timeout_ms = 4000,
                   no_accounting = true, limit_proxy_state = false, filter_form = 'rules'""", west)
    network.run("""insert into poprad.nas (name, prefix, secret, kind)
                   values ('six', '2001:db8::/64', 's"\u00e9', 'other')""")
    network.run("""insert into poprad.filter (name, direction, scope)
                   values ('b', 'out', 'anywhere'), ('a', 'in', 'own-network')""")
    network.run("insert into poprad.pool (name) values ('unnamed')")
    network.run("""insert into poprad.filter_rule (filter_id, position, action, protocol, source, source_pool_id,
                                                   destination, destination_comparison, destination_ports)
                   values (2, 2, 'permit', 'ip', 'any', null, 'any', '', '{}'),
                          (2, 1, 'deny', 'tcp', 'pool', 1, '192.0.2.0/24', 'eq', '{25,80}')""")
    network.run("insert into poprad.filter_set (name, in_filter_id, out_filter_id) values ('both', 2, 1), ('in', 2, null)")
    network.run("insert into poprad.filter_set_name values (1, 'usr', 'b')")
    network.run("insert into poprad.plan_filter values (1, 1, 2), (1, 2, 1)")
    network.run("insert into poprad.realm (name) values ('isp.example'), ('free.example')")
    network.run("select poprad.realm_set('isp.example', '{a,b}')")
    network.run("select poprad.nas_group_set('west', null, '{b}')")
    network.run("""update poprad.plan set session_limit = 1, session_timeout_s = 2, idle_timeout_s = 3, interim_s = 60,
                   allows_login = true, rate_in_kbit = 512, rate_out_kbit = 2048,
                   dns_servers = '{2001:db8::53,192.0.2.53}', attributes = '{"Reply-Message = \\"hi\\"", "Port-Limit = 1"}'""")
    document = rows(cursor, "select poprad.catalog()")[0][0]
    assert document == {
        "has_quotas": False, "version": version(cursor),
        "nas": [
            {"nas_id": 1, "name": "bank", "prefix": "10.0.3.0/24", "secret": "secret", "kind": "cisco",
             "nas_group_id": west, "nas_group": "west", "is_own_network": False, "require_message_authenticator": "yes",
             "limit_proxy_state": False, "no_accounting": True, "timeout_ms": 4000, "filter_form": "rules"},
            {"nas_id": 2, "name": "six", "prefix": "2001:db8::/64", "secret": 's"\u00e9', "kind": "other",
             "nas_group_id": 0, "nas_group": "", "is_own_network": True, "require_message_authenticator": "auto",
             "limit_proxy_state": True, "no_accounting": False, "timeout_ms": 0, "filter_form": "usual"}],
        "learned": [],
        "pool_ranges": [
            {"pool_range_id": 1, "pool_id": 1, "nas_group_id": 0, "first": "10.0.8.0", "last": "10.0.8.15"},
            {"pool_range_id": 2, "pool_id": 1, "nas_group_id": west, "first": "10.0.16.0", "last": "10.0.16.3"}],
        "pools": [{"name": "dynamic", "networks": ["10.0.8.0/28", "10.0.16.0/30"]}],
        "filters": [{"filter_id": 1, "name": "b", "direction": "out", "scope": "anywhere", "rules": []},
                    {"filter_id": 2, "name": "a", "direction": "in", "scope": "own-network",
                     "rules": ["deny tcp pool dynamic 192.0.2.0/24 eq 25 80", "permit ip any any"]}],
        "filter_sets": [{"filter_set_id": 1, "name": "both", "in_filter_id": 2, "out_filter_id": 1, "names": {"usr": "b"}},
                        {"filter_set_id": 2, "name": "in", "in_filter_id": 2, "out_filter_id": 0, "names": {}}],
        "realms": [{"name": "isp.example", "filters": [2, 1]}],
        "nas_groups": [{"nas_group_id": west, "name": "west", "filters": [1]}],
        "tunnels": [],
        "plans": [{"plan_id": 1, "name": "dialup", "pool_id": 1, "session_limit": 1, "session_timeout_s": 2,
                   "idle_timeout_s": 3, "interim_s": 60, "rate_in_kbit": 512, "rate_out_kbit": 2048,
                   "dns_servers": ["2001:db8::53", "192.0.2.53"], "netmask": "255.255.255.255", "allows_login": True,
                   "login_hours": "always", "time_zone": "UTC", "address_list": "", "suspended_plan_id": 0, "expired_plan_id": 0,
                   "filters": [2, 1], "attributes": ['Reply-Message = "hi"', "Port-Limit = 1"]}]}


def test_the_catalog_says_where_a_plans_subscribers_log_in_from(network, cursor):
    def plan():
        return rows(cursor, "select poprad.catalog()")[0][0]["plans"][0]
    without = plan()
    network.run("update poprad.plan set calling_stations = '{02555*}', nas_groups = '{west}', learn_calling_station = true")
    assert plan() == without | {"calling_stations": ["02555*"], "nas_groups": ["west"], "learn_calling_station": True}
    network.run("update poprad.plan set calling_stations = '{}', nas_groups = '{}', learn_calling_station = false, "
                "called_stations = '{a}', nas_port_types = '{Ethernet}'")
    assert plan() == without | {"called_stations": ["a"], "nas_port_types": ["Ethernet"]}


def test_an_empty_catalog_has_every_member(database):
    cursor = database.connect("poprad_server").cursor()
    assert rows(cursor, "select poprad.catalog()")[0][0] == {
        "has_quotas": False, "version": 1, "nas": [], "learned": [], "pool_ranges": [], "pools": [], "filters": [],
        "filter_sets": [], "realms": [], "nas_groups": [], "tunnels": [], "plans": []}


@pytest.mark.parametrize("change", [
    "update poprad.nas set secret = 'new'", "insert into poprad.nas_group (name) values ('west')",
    "insert into poprad.nas_learned (source, nas_id) values ('10.0.3.1', 1)",
    "insert into poprad.pool (name) values ('new')",
    "update poprad.pool_range set nas_group_id = null",
    "insert into poprad.filter (name, direction) values ('new', 'in')",
    "delete from poprad.filter_rule", "delete from poprad.filter_set", "delete from poprad.filter_set_name",
    "update poprad.plan set interim_s = 60", "insert into poprad.tunnel (name, server) values ('new', 'lns')", "delete from poprad.plan_filter"])
def test_every_change_of_the_catalog_is_announced(network, database, cursor, change):
    listener = database.connect("poprad_server")
    listener.cursor().execute("listen poprad_catalog")
    before = version(cursor)
    network.run(change)
    assert version(cursor) == before + 1
    assert select.select([listener], [], [], 30)[0]
    listener.poll()
    assert [(n.channel, n.payload) for n in listener.notifies] == [("poprad_catalog", "")]


def test_logins_do_not_touch_the_catalog(network, cursor):
    before = version(cursor)
    admit(cursor, request(network.subscriber(), candidate_1="10.0.8.1"))
    assert version(cursor) == before


def test_ranges_cannot_overlap(network):
    with pytest.raises(psycopg2.errors.ExclusionViolation):
        network.pool("other", "10.0.8.0/24")
