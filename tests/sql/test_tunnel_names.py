# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Tunnels: who names one that is not there is refused, and one that is named stays; what the catalog says of them."""

import json

import psycopg2.errors
import pytest

from support.login import Network


@pytest.fixture
def network(database):
    made = Network(database)
    made.run("insert into poprad.tunnel (name, server) values ('west', 'lns.example'), ('east', '192.0.2.1')")
    return made


@pytest.fixture
def operator(database):
    return database.connect("poprad_operator").cursor()


def of_plan(cursor, plan, *names):
    cursor.execute("select poprad.plan_set(%s, null, null, null, null, null, %s, null, null, null)",
                   (plan, json.dumps({"tunnels": names})))


def of_subscriber(cursor, login, names):
    cursor.execute("select poprad.subscriber_policy_set(%s, %s)", (login, json.dumps({"tunnels": names})))


@pytest.mark.parametrize("columns", [
    {"server": ""}, {"server": "two words"}, {"server": "-lns"}, {"server": "a" * 129}, {"server": "2001:db8::1"},
    {"server": "192.0.2.1", "medium": "ipv6"}, {"client": "2001:db8::1"}, {"type": "vlan"}, {"medium": "ipx"},
    {"preference": 16777216}, {"preference": -1}, {"password": ""}, {"password": "p" * 129}, {"password": "a\nb"},
    {"client_auth_id": "i" * 129}, {"server_auth_id": ""}, {"assignment_id": "\x7f"}, {"name": "two words"}, {"name": "-x"}])
def test_what_no_server_could_send_is_refused(network, columns):
    row = {"name": "other", "server": "lns.example", **columns}
    with pytest.raises(psycopg2.errors.CheckViolation):
        network.run(f"insert into poprad.tunnel ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})", *row.values())


@pytest.mark.parametrize("names", [["west", "west"], [["west"], ["east"]], [None], [f"t{number}" for number in range(32)]])
def test_lists_that_are_refused(network, names):
    with pytest.raises(psycopg2.errors.Error):
        network.run("update poprad.plan set tunnels = %s", names)


def test_who_names_one_that_is_not_there_is_refused(network, operator):
    network.subscriber("one")
    network.run("insert into poprad.plan (name) values ('wholesale')")
    for change in (lambda: of_plan(operator, "wholesale", "west", "nowhere"),
                   lambda: of_subscriber(operator, "one", ["nowhere"]),
                   lambda: network.run("update poprad.plan set tunnels = '{nowhere}' where name = 'wholesale'")):
        with pytest.raises(psycopg2.errors.NoDataFound, match="there is no tunnel nowhere"):
            change()
    of_plan(operator, "wholesale", "west", "east")
    of_subscriber(operator, "one", ["east"])


def test_one_that_is_named_stays(network, operator):
    network.subscriber("one")
    network.run("insert into poprad.plan (name) values ('wholesale')")
    of_plan(operator, "wholesale", "west")
    of_subscriber(operator, "one", ["east"])
    for name, holder in ("west", "plan wholesale"), ("east", "subscriber one"):
        for change in "delete from poprad.tunnel where name = %s", "update poprad.tunnel set name = 'x' where name = %s":
            with pytest.raises(psycopg2.errors.RaiseException, match=f"{holder} uses tunnel {name}"):
                network.run(change, name)
    network.run("update poprad.tunnel set server = 'other.example'")
    of_plan(operator, "wholesale")
    of_subscriber(operator, "one", None)
    network.run("delete from poprad.tunnel")


def test_a_plan_that_is_written_and_its_tunnel_that_goes_at_once(database, network):
    """Whichever comes first, no plan is left with a tunnel that is not there."""
    network.run("insert into poprad.plan (name) values ('wholesale')")
    writer, remover = database.connect(autocommit=False), database.connect(autocommit=False)
    with writer.cursor() as one, remover.cursor() as other:
        one.execute("update poprad.plan set tunnels = '{west}' where name = 'wholesale'")
        other.execute("set lock_timeout = '100ms'")
        with pytest.raises(psycopg2.errors.LockNotAvailable):
            other.execute("delete from poprad.tunnel where name = 'west'")
        remover.rollback()
        writer.commit()
        with pytest.raises(psycopg2.errors.RaiseException, match="plan wholesale uses tunnel west"):
            other.execute("delete from poprad.tunnel where name = 'west'")
        remover.rollback()


def catalog(database):
    cursor = database.connect("poprad_server").cursor()
    cursor.execute("select poprad.catalog()")
    (document,), = cursor.fetchall()
    return document


def test_the_catalog_says_what_is_there_and_no_more(database, network, operator):
    before = catalog(database)
    network.run("update poprad.tunnel set password = 'open-tunnel', preference = 3 where name = 'east'")
    network.run("insert into poprad.plan (name) values ('wholesale'), ('plain')")
    of_plan(operator, "wholesale", "west")
    network.run("update poprad.nas set ends_tunnels = true where nas_id = (select min(nas_id) from poprad.nas)")
    after = catalog(database)
    assert after["version"] > before["version"]
    assert after["tunnels"] == [
        {"name": "east", "type": "l2tp", "medium": "ipv4", "server": "192.0.2.1", "password": "open-tunnel", "preference": 3},
        {"name": "west", "type": "l2tp", "medium": "ipv4", "server": "lns.example"}]
    plans = {plan["name"]: plan for plan in after["plans"]}
    assert plans["wholesale"]["tunnels"] == ["west"]
    assert not {"tunnels", "tunnel_address"} & set(plans["plain"])
    assert [nas.get("ends_tunnels") for nas in after["nas"]].count(True) == 1
