# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The sample provider is what the manual promises, and may be loaded again."""

import pytest

from support.cluster import load_sample


@pytest.fixture
def connection(database):
    made = database.connect(autocommit=False)
    load_sample(made)
    return made


def contents(connection):
    tables = ["realm", "nas", "pool", "pool_range", "filter", "filter_rule", "filter_set", "filter_set_name", "plan", "plan_filter",
              "subscriber"]
    with connection, connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(f"select t::text from poprad.{table} t order by 1")
            found[table] = cursor.fetchall()
        return found


def test_loading_again_adds_nothing(connection):
    before = contents(connection)
    load_sample(connection)
    assert contents(connection) == before


def test_loading_again_leaves_changes_alone(connection):
    with connection, connection.cursor() as cursor:
        cursor.execute("update poprad.nas set secret = 'changed' where name = 'localhost'")
        cursor.execute("delete from poprad.plan_filter")
        cursor.execute("update poprad.subscriber set password = 'changed'")
    before = contents(connection)
    load_sample(connection)
    assert contents(connection) == before


def test_the_document_that_the_workers_read(connection):
    with connection, connection.cursor() as cursor:
        cursor.execute("select poprad.catalog()")
        catalog = cursor.fetchone()[0]
    assert [(n["name"], n["prefix"], n["kind"], n["require_message_authenticator"]) for n in catalog["nas"]] == [
        ("modem-bank", "10.0.3.0/24", "cisco", "auto"), ("localhost", "127.0.0.0/8", "cisco", "no"),
        ("localhost6", "::1/128", "cisco", "no")]
    assert [(r["first"], r["last"]) for r in catalog["pool_ranges"]] == [
        ("10.0.8.1", "10.0.15.254"), ("192.168.4.1", "192.168.7.254")]
    names = {f["filter_id"]: f["name"] for f in catalog["filters"]}
    plans = {p["name"]: p for p in catalog["plans"]}
    both = ["to-general-customer-equipment", "from-general-customer-equipment"]
    assert [names[f] for f in plans["dialup"]["filters"]] == both
    assert [names[f] for f in plans["dsl-dynamic"]["filters"]] == both
    assert (plans["dsl-static"]["filters"], plans["dsl-static"]["pool_id"]) == ([], 0)
    assert plans["dialup"]["pool_id"] == plans["dsl-dynamic"]["pool_id"] == catalog["pool_ranges"][0]["pool_id"]


def test_the_subscribers_can_be_found(connection):
    with connection, connection.cursor() as cursor:
        cursor.execute("""select ord, status, password, host(static_address)
                          from poprad.find(array['static@isp.example', 'nobody', 'demo@isp.example']) order by ord""")
        assert cursor.fetchall() == [(1, "active", "fixed-line", "10.0.4.10"), (3, "active", "dial-up", None)]
