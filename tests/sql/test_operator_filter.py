# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Filters in the database: what becomes of older rules, what a row may hold, and that rules keep their order."""

import json
import threading

import psycopg2
import psycopg2.errors
import pytest

from support.cluster import apply_schema

LINES = """select poprad.filter_rule_text(r) from poprad.filter_rule r join poprad.filter f using (filter_id) where f.name = %s
           order by position"""


def rule(action="permit", protocol="ip", source="any", destination="any", ports=(), **more):
    return {"action": action, "protocol": protocol, "source": source, "source_comparison": "", "source_ports": [],
            "destination": destination, "destination_comparison": "eq" if ports else "", "destination_ports": list(ports),
            "is_established": False, **more}


@pytest.fixture
def cursor(database):
    return database.connect("poprad_operator").cursor()


def lines(cursor, name="f"):
    cursor.execute(LINES, (name,))
    return [line for line, in cursor.fetchall()]


def add(cursor, *rules, name="f", direction="in"):
    cursor.execute("select poprad.filter_add(%s, %s, null, null, %s)", (name, direction, json.dumps(rules)))


# What there was -------------------------------------------------------------------------------------------------

@pytest.fixture
def former(cluster):
    """A database as it was before rules had ports on both sides, with a filter and two pools."""
    database = cluster.empty_database("poprad_former_filters")
    connection = database.connect(autocommit=False)
    apply_schema(connection, newest=6)
    with connection, connection.cursor() as cursor:
        cursor.execute("insert into poprad.filter (name, direction) values ('f', 'in')")
        cursor.execute("insert into poprad.pool (name) values ('dynamic'), ('other')")
    yield connection
    database.drop()


def migrate(connection, *rows):
    with connection, connection.cursor() as cursor:
        for position, row in enumerate(rows, 1):
            cursor.execute("""insert into poprad.filter_rule (filter_id, position, action, protocol, source, destination, ports)
                              values (1, %s, %s, %s, %s, %s, %s)""", (position, *row))
    apply_schema(connection)
    with connection, connection.cursor() as cursor:
        return lines(cursor)


def test_older_rules_keep_their_meaning_and_order(former):
    assert migrate(
        former,
        ("permit", "tcp", "pool:dynamic", "10.0.1.0/28", [25]),
        ("deny", "tcp", "any", "pool:other", [25, 80]),
        ("permit", "ah", "10.0.0.1/32", "any", []),
        ("deny", "ip", "any", "2001:db8::/32", []),
        ("deny", "icmp6", "any", "any", []),
        ("permit", "ip", "any", "any", [])) == [
            "permit tcp pool dynamic 10.0.1.0/28 eq 25", "deny tcp any pool other eq 25 80", "permit ahp 10.0.0.1/32 any",
            "deny ipv6 any 2001:db8::/32", "deny icmp6 any any", "permit ip any any"]


def test_a_rule_with_many_ports_becomes_several(former):
    assert migrate(former, ("deny", "tcp", "any", "any", list(range(1, 26))), ("permit", "ip", "any", "any", [])) == [
        "deny tcp any any eq 1 2 3 4 5 6 7 8 9 10", "deny tcp any any eq 11 12 13 14 15 16 17 18 19 20",
        "deny tcp any any eq 21 22 23 24 25", "permit ip any any"]


def test_rules_that_matched_nothing_go(former):
    assert migrate(
        former, ("deny", "ip", "pool:gone", "any", []), ("deny", "tcp", "10.0.0.0/8", "2001:db8::/32", []),
        ("deny", "ipv6", "any", "10.0.0.0/8", []), ("permit", "ip", "any", "any", [])) == ["permit ip any any"]


# Rows ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("wrong", [
    {"source": "nowhere"}, {"source": "10.0.0.1/8"}, {"source": "pool"}, {"source_pool": "dynamic"},
    {"source_comparison": "eq"}, {"source_comparison": "like", "source_ports": [1]}, {"source_ports": [1]},
    {"destination_ports": [65536], "destination_comparison": "eq"}, {"destination_ports": [-1], "destination_comparison": "eq"},
    {"destination_ports": list(range(11)), "destination_comparison": "eq"}, {"protocol": "tcp; drop"}, {"action": "allow"},
])
def test_a_row_holds_what_a_rule_can_say(cursor, database, wrong):
    database.connect().cursor().execute("insert into poprad.pool (name) values ('dynamic')")
    with pytest.raises((psycopg2.errors.CheckViolation, psycopg2.errors.InvalidTextRepresentation)):
        add(cursor, rule(**wrong))


def test_a_side_may_be_a_pool(cursor, database):
    database.connect().cursor().execute("insert into poprad.pool (name) values ('dynamic')")
    add(cursor, rule(protocol="tcp", source="pool", source_pool="dynamic", source_comparison="range", source_ports=[1, 9],
                     is_established=True))
    assert lines(cursor) == ["permit tcp pool dynamic range 1 9 any established"]
    with pytest.raises(psycopg2.errors.NoDataFound):
        add(cursor, rule(source="pool", source_pool="nowhere"), name="g")
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        database.connect().cursor().execute("delete from poprad.pool")


def test_rules_keep_their_order(cursor):
    add(cursor, *(rule(protocol="tcp", ports=[port]) for port in (1, 2, 3)))
    one = json.dumps([rule(protocol="udp")])
    for place in (1, 3, 6, None):
        cursor.execute("select poprad.filter_rule_add('f', %s, %s)", (one, place))
    assert lines(cursor) == ["permit udp any any", "permit tcp any any eq 1", "permit udp any any", "permit tcp any any eq 2",
                             "permit tcp any any eq 3", "permit udp any any", "permit udp any any"]
    for place in (7, 6, 3, 1):
        cursor.execute("select poprad.filter_rule_remove('f', %s)", (place,))
    assert lines(cursor) == [f"permit tcp any any eq {port}" for port in (1, 2, 3)]
    for place in (0, 5):
        with pytest.raises(psycopg2.errors.RaiseException):
            cursor.execute("select poprad.filter_rule_add('f', %s, %s)", (one, place))
    for place in (0, 4, None):
        with pytest.raises(psycopg2.errors.NoDataFound):
            cursor.execute("select poprad.filter_rule_remove('f', %s)", (place,))


def test_two_operators_may_add_rules_at_once(database, cursor):
    add(cursor)
    failures = []

    def work(port):
        try:
            own = database.connect("poprad_operator").cursor()
            for _ in range(20):
                own.execute("select poprad.filter_rule_add('f', %s, 1)", (json.dumps([rule(protocol="tcp", ports=[port])]),))
        except psycopg2.Error as failure:  # told below, in the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(port,)) for port in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = lines(cursor)
    assert [found.count(f"permit tcp any any eq {port}") for port in (1, 2, 3)] == [20, 20, 20]


@pytest.mark.parametrize("statement", [
    "insert into poprad.filter_rule (filter_id, position, action, protocol, source, destination) values (1, 1, 'deny', 'ip', 'any', 'any')",
    "insert into poprad.filter_set (name) values ('s')", "update poprad.filter set name = 'g'",
    "select poprad.filter_rules_insert(1, 1, '[]')", "select poprad.filter_rules_move(1, 1, 1)", "select poprad.filter_lock('f')"])
def test_the_operator_changes_filters_through_functions_alone(cursor, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(statement)
