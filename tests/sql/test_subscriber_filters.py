# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What a subscriber has of his own of filters: exemptions and quarantine, as they are entered and as a login finds them."""
import json

import psycopg2.errors
import pytest

from support.login import Network


@pytest.fixture
def network(database):
    network = Network(database)
    network.subscriber("one")
    network.run("insert into poprad.filter (name, direction) values ('a', 'in'), ('b', 'out')")
    network.run("insert into poprad.plan_filter (plan_id, position, filter_id) select s.plan_id, f.filter_id, f.filter_id "
                "from poprad.subscriber s, poprad.filter f")
    network.run("insert into poprad.filter_set (name, in_filter_id, out_filter_id) select 'hold', a.filter_id, b.filter_id "
                "from poprad.filter a, poprad.filter b where a.name = 'a' and b.name = 'b'")
    return network


@pytest.fixture
def operator(database):
    return database.connect("poprad_operator").cursor()


def filter_id(network, name):
    return network.one(f"select filter_id from poprad.filter where name = '{name}'")


def found(database):
    cursor = database.connect("poprad_server").cursor()
    cursor.execute("select policy from poprad.find(array['one'])")
    (policy,), = cursor.fetchall()
    return policy and json.loads(policy)


def exempt(operator, name, reason="runs a server", login="one"):
    operator.execute("select poprad.subscriber_exempt(%s, %s, %s)", (login, name, reason))


def test_exemptions(database, network, operator):
    assert found(database) is None
    exempt(operator, "b")
    exempt(operator, "a")
    exempt(operator, "a", "has a mail server")
    assert found(database) == {"exempt_filter_ids": [filter_id(network, "a"), filter_id(network, "b")]}
    operator.execute("select poprad.subscriber_exemptions(subscriber_id) from poprad.subscriber where login = 'one'")
    (shown,), = operator.fetchall()
    assert [(one["filter"], one["reason"]) for one in shown] == [("a", "has a mail server"), ("b", "runs a server")]
    operator.execute("select poprad.subscriber_exempt_end('one', 'a')")
    assert found(database) == {"exempt_filter_ids": [filter_id(network, "b")]}
    # It goes with its filter.
    network.run("delete from poprad.filter_set")
    network.run("delete from poprad.plan_filter")
    network.run("delete from poprad.filter where name = 'b'")
    assert found(database) is None
    assert network.one("select has_policy from poprad.subscriber") is False


def test_quarantine(database, network, operator):
    exempt(operator, "a")
    operator.execute("select poprad.subscriber_policy_set('one', %s)", (json.dumps({"session_limit": 2}),))
    operator.execute("select poprad.subscriber_quarantine('one', 'hold', 'sends spam')")
    policy = found(database)
    assert policy.pop("quarantined_at")
    assert policy == {"quarantine_filter_set_id": 1, "quarantine_reason": "sends spam", "session_limit": 2,
                      "exempt_filter_ids": [filter_id(network, "a")]}
    operator.execute("select poprad.subscriber_quarantined(subscriber_id) from poprad.subscriber where login = 'one'")
    (shown,), = operator.fetchall()
    assert (shown["filter_set"], shown["reason"]) == ("hold", "sends spam")
    # Other options of his own leave it as it is.
    operator.execute("select poprad.subscriber_policy_set('one', %s)", (json.dumps({"session_limit": None}),))
    assert found(database)["quarantine_filter_set_id"] == 1
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        network.run("delete from poprad.filter_set")
    operator.execute("select poprad.subscriber_quarantine('one', null, null)")
    assert found(database) == {"exempt_filter_ids": [filter_id(network, "a")]}


def test_it_goes_with_the_subscriber(network, operator):
    exempt(operator, "a")
    operator.execute("select poprad.subscriber_quarantine('one', 'hold', 'sends spam')")
    network.run("delete from poprad.subscriber")
    assert network.one("select count(*) from poprad.subscriber_exemption") == 0
    assert network.one("select count(*) from poprad.subscriber_policy") == 0


@pytest.mark.parametrize("call, message", [
    ("subscriber_exempt('nobody', 'a', 'x')", "there is no subscriber nobody"),
    ("subscriber_exempt('one', 'c', 'x')", "there is no filter c"),
    ("subscriber_exempt_end('one', 'a')", "one is not exempt from filter a"),
    ("subscriber_quarantine('nobody', 'hold', 'x')", "there is no subscriber nobody"),
    ("subscriber_quarantine('one', 'c', 'x')", "there is no filter set c"),
    ("subscriber_quarantine('one', null, null)", "one is not in quarantine"),
])
def test_what_is_not_there(network, operator, call, message):
    with pytest.raises(psycopg2.errors.NoDataFound, match=message):
        operator.execute(f"select poprad.{call}")


def test_each_combination_is_checked_once(network, operator):
    for login in ("two", "three"):
        network.subscriber(login)
    for login in ("one", "two", "three"):
        exempt(operator, "a", login=login)
    operator.execute("select poprad.subscriber_quarantine('three', 'hold', 'sends spam')")
    operator.execute("select poprad.catalog_for_filters()->'own_filters'")
    (own,), = operator.fetchall()
    id = filter_id(network, "a")
    assert sorted((one["policy"] for one in own), key=len) == [
        {"exempt_filter_ids": [id]}, {"exempt_filter_ids": [id], "quarantine_filter_set_id": 1}]


def imposed(network, column, table, name):
    return network.one(f"select array_agg(f.name order by i.position) from poprad.{table}_filter i "
                       f"join poprad.{table} o using ({column}) join poprad.filter f using (filter_id) where o.name = %s", name)


def test_what_a_realm_and_a_group_impose(network, operator):
    network.run("insert into poprad.realm (name) values ('isp.example')")
    network.group("west")
    network.run("insert into poprad.filter (name, direction, scope) values ('c', 'in', 'router')")
    for function, table, column, name, rest in (("realm_set", "realm", "realm_id", "isp.example", ""),
                                                ("nas_group_set", "nas_group", "nas_group_id", "west", "null, ")):
        def impose(names):
            operator.execute(f"select poprad.{function}(%s, {rest}%s)", (name, names))
        impose(["b", "a"])
        assert imposed(network, column, table, name) == ["b", "a"]
        impose(["a"])
        assert imposed(network, column, table, name) == ["a"]
        for names, message in ((["a", "a"], "a filter is given twice"), (["d"], "there is no filter d"),
                               (["c"], "filter c is for routers"), (["a"] * 9, "at most 8 filters")):
            with pytest.raises(psycopg2.Error, match=message):
                impose(names)
        with pytest.raises(psycopg2.errors.NoDataFound, match="nowhere"):
            operator.execute(f"select poprad.{function}('nowhere', {rest}'{{}}')")
        with pytest.raises(psycopg2.errors.ForeignKeyViolation):
            network.run("delete from poprad.filter where name = 'a'")
        impose([])
        assert imposed(network, column, table, name) is None
    operator.execute("select poprad.nas_group_set('west', false, null)")
    assert network.one("select is_own_network from poprad.nas_group where name = 'west'") is False
    # A realm takes what it imposes with it.
    operator.execute("select poprad.realm_set('isp.example', '{b}')")
    network.run("delete from poprad.realm")
    assert network.one("select count(*) from poprad.realm_filter") == 0


def test_an_exemption_that_would_do_nothing(network, operator):
    network.run("insert into poprad.realm (name) values ('isp.example')")
    network.subscriber("two@isp.example")
    network.group("west")
    operator.execute("select poprad.realm_set('isp.example', '{a}')")
    with pytest.raises(psycopg2.Error, match="realm isp.example imposes filter a, and nobody is exempt from it"):
        exempt(operator, "a", login="two@isp.example")
    exempt(operator, "b", login="two@isp.example")
    # Elsewhere than in the group it does something, if the plan has the filter.
    operator.execute("select poprad.nas_group_set('west', null, '{a}')")
    exempt(operator, "a")
    network.run("delete from poprad.plan_filter where filter_id = (select filter_id from poprad.filter where name = 'a')")
    with pytest.raises(psycopg2.Error, match="group west imposes filter a, and nobody is exempt from it"):
        exempt(operator, "a")
    operator.execute("select poprad.nas_group_set('west', null, '{}')")
    with pytest.raises(psycopg2.Error, match="plan .* does not have filter a"):
        exempt(operator, "a")
