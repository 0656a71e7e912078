# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What a subscriber has of his own: who writes it, subscriber.has_policy says so, and find hands it out."""

import json

import psycopg2.errors
import pytest

from support.cluster import apply_schema
from support.login import Network


@pytest.fixture
def network(database):
    return Network(database)


@pytest.fixture
def operator(database):
    return database.connect("poprad_operator").cursor()


def change(cursor, login, **columns):
    cursor.execute("select poprad.subscriber_policy_set(%s, %s)", (login, json.dumps(columns)))


def found(database, login):
    cursor = database.connect("poprad_server").cursor()
    cursor.execute("select policy from poprad.find(array[%s])", (login,))
    (policy,), = cursor.fetchall()
    return policy and json.loads(policy)


def marked(network):
    network.cursor.execute("select login from poprad.subscriber where has_policy order by login")
    return [login for login, in network.cursor.fetchall()]


def test_what_is_set_is_found_and_what_is_not_stays_the_plans(database, network, operator):
    network.subscriber("one")
    network.subscriber("two")
    assert (found(database, "one"), marked(network)) == (None, [])
    change(operator, "one", session_limit=0, interim_s=120)
    assert (found(database, "one"), found(database, "two")) == ({"session_limit": 0, "interim_s": 120}, None)
    change(operator, "one", interim_s=None, session_timeout_s=60, idle_timeout_s=30)
    assert found(database, "one") == {"session_limit": 0, "session_timeout_s": 60, "idle_timeout_s": 30}
    assert marked(network) == ["one"]
    change(operator, "one", session_limit=None, session_timeout_s=None, idle_timeout_s=None)
    assert (found(database, "one"), marked(network)) == (None, [])
    assert network.one("select count(*) from poprad.subscriber_policy") == 0


def test_whoever_writes_the_table_has_policy_follows(network):
    one, two = network.subscriber("one"), network.subscriber("two")
    network.run("insert into poprad.subscriber_policy (subscriber_id, session_limit) values (%s, 1), (%s, null)", one, two)
    assert marked(network) == ["one"]
    network.run("update poprad.subscriber_policy set subscriber_id = %s", two)
    assert marked(network) == ["two"]
    network.run("update poprad.subscriber_policy set session_limit = null")
    assert marked(network) == []
    network.run("insert into poprad.subscriber_policy (subscriber_id, session_limit) values (%s, 1)", one)
    network.run("delete from poprad.subscriber_policy")
    assert marked(network) == []


def test_whoever_writes_the_table_the_document_follows(network, database):
    one = network.subscriber("one")
    network.run("insert into poprad.subscriber_policy (subscriber_id, session_limit, document) values (%s, 1, 'x')", one)
    assert found(database, "one") == {"session_limit": 1}
    network.run("update poprad.subscriber_policy set login_hours = 'Mo 18:00-20:00', session_limit = null")
    assert found(database, "one") == {"login_hours": "Mo 18:00-20:00"}
    network.run("update poprad.subscriber_policy set document = '{}'")
    assert found(database, "one") == {"login_hours": "Mo 18:00-20:00"}


def test_it_goes_with_its_subscriber(network):
    one = network.subscriber("one")
    network.run("insert into poprad.subscriber_policy (subscriber_id, session_limit) values (%s, 1)", one)
    network.run("delete from poprad.subscriber")
    assert network.one("select count(*) from poprad.subscriber_policy") == 0


@pytest.mark.parametrize("columns", [
    {"session_limit": -1}, {"session_timeout_s": -1}, {"idle_timeout_s": -1}, {"interim_s": 59}, {"interim_s": -60},
    {"rate_in_kbit": 100000001, "rate_out_kbit": 1}, {"rate_in_kbit": -1, "rate_out_kbit": -1},
    {"dns_servers": ["10.0.0.0/8"]}, {"dns_servers": [["10.0.0.1"], ["10.0.0.2"]]},
    {"routes": [f"10.0.{number}.0/24" for number in range(17)]}, {"routes": [None]},
    {"address_list": "two words"}, {"address_list": 65 * "a"},
    {"login_hours": ""}, {"login_hours": "Mo 18:00"}, {"login_hours": "Mo 25:00-26:00"}, {"login_hours": "Mo 18:00-20:00,"},
    {"login_hours": "Mo 18:00-20:00 always"}, {"login_hours": ", Mo 18:00-20:00"}, {"login_hours": "Mo 18:00-20:00Tu 18:00-20:00"},
    {"login_hours": ",".join(["Mo 10:00-20:00"] * 17)},
    {"calling_stations": ["0255*1"]}, {"calling_stations": ["*"]}, {"called_stations": [""]}, {"called_stations": [None]},
    {"calling_stations": ["a\nb"]}, {"calling_stations": ["1" * 254]}, {"calling_stations": ["1"] * 33},
    {"nas_port_types": [["Ethernet"], ["Virtual"]]}, {"learned_calling_station": "a"}])
def test_what_no_server_could_read_is_refused(network, operator, columns):
    network.subscriber("one")
    with pytest.raises(psycopg2.errors.CheckViolation):
        change(operator, "one", **columns)
    assert marked(network) == []


@pytest.mark.parametrize("columns", [
    {"rate_in_kbit": 1}, {"rate_out_kbit": 1}, {"rate_in_kbit": 0, "rate_out_kbit": 1}, {"rate_in_kbit": 0},
    {"dns_servers": ["10.0.0.1", "10.0.0.2", "10.0.0.3"]}, {"dns_servers": ["10.0.0.1", "10.0.0.1"]}])
def test_what_cannot_be_told_is_refused_with_a_sentence(network, operator, columns):
    network.subscriber("one")
    with pytest.raises(psycopg2.errors.RaiseException):
        change(operator, "one", **columns)
    for sql in ("update poprad.plan set rate_in_kbit = 1", "update poprad.plan set dns_servers = '{10.0.0.0/8}'"):
        with pytest.raises(psycopg2.errors.CheckViolation):
            network.run(sql)
    assert marked(network) == []


def test_own_hours(database, network, operator):
    network.subscriber("one")
    for hours in ("always", "Mo-Fr 18:00-23:00, Sa-Su 00:00-24:00", "we 6:05-07:00 ,Fr-Mo 22:00-6:00 "):
        change(operator, "one", login_hours=hours)
        assert found(database, "one") == {"login_hours": hours}


def test_own_binding(database, network, operator):
    network.subscriber("one")
    network.group("west")
    binding = {"calling_stations": ["02555*", "0011.2233.4455"], "called_stations": [], "nas_port_types": ["Ethernet"],
               "nas_groups": ["west"], "learn_calling_station": True}
    change(operator, "one", **binding)
    assert found(database, "one") == binding
    with pytest.raises(psycopg2.errors.NoDataFound, match="there is no NAS group east"):
        change(operator, "one", nas_groups=["west", "east"])
    for sql in ("delete from poprad.nas_group", "update poprad.nas_group set name = 'east'"):
        with pytest.raises(psycopg2.errors.RaiseException, match="subscriber one is bound to NAS group west"):
            operator.execute(sql)
    operator.execute("update poprad.nas_group set is_own_network = false")
    change(operator, "one", nas_groups=None)
    operator.execute("delete from poprad.nas_group")


def test_a_learned_station_is_forgotten(database, network, operator):
    one = network.subscriber("one")
    with pytest.raises(psycopg2.errors.NoDataFound, match="one has learned no calling station"):
        operator.execute("select poprad.subscriber_forget_station('one')")
    network.run("insert into poprad.subscriber_policy (subscriber_id, learned_calling_station, learned_at) "
                "values (%s, '0255501234', now())", one)
    assert found(database, "one")["learned_calling_station"] == "0255501234"
    change(operator, "one", session_limit=2)
    assert found(database, "one")["learned_calling_station"] == "0255501234"
    operator.execute("select poprad.subscriber_forget_station('one')")
    assert operator.fetchall() == [("0255501234",)]
    assert found(database, "one") == {"session_limit": 2}


def test_nobodys(operator):
    with pytest.raises(psycopg2.errors.NoDataFound, match="there is no subscriber nobody"):
        change(operator, "nobody", session_limit=1)


def test_limits_of_an_earlier_version_are_kept(cluster):
    database = cluster.empty_database("poprad_former_limits")
    try:
        connection = database.connect(autocommit=False)
        apply_schema(connection, newest=10)
        with connection, connection.cursor() as cursor:
            cursor.execute("""insert into poprad.plan (name) values ('dialup');
                              insert into poprad.subscriber (login, plan_id, password, session_limit)
                              values ('none', 1, 'a', null), ('unlimited', 1, 'a', 0), ('three', 1, 'a', 3)""")
        apply_schema(connection)
        with connection, connection.cursor() as cursor:
            cursor.execute("select login, has_policy from poprad.subscriber order by login")
            assert cursor.fetchall() == [("none", False), ("three", True), ("unlimited", True)]
        connection.close()
        assert [found(database, login) for login in ("none", "three", "unlimited")] == [
            None, {"session_limit": 3}, {"session_limit": 0}]
    finally:
        database.drop()
