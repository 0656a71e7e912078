# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""In which form an access server is sent filters: what a row may say, and what became of those that were there."""

import psycopg2.errors
import pytest

from support.cluster import apply_schema

FORMS = {"cisco": "names rules filter-server", "mikrotik": "names", "juniper": "names", "usr": "names", "portmaster": "names",
         "ascend": "rules old-rules", "nokia": "rules", "huawei": "", "accel-ppp": "", "l2tpns": "names", "pppd": "names",
         "other": "names rules"}


def rows(cursor, sql):
    cursor.execute(sql)
    return cursor.fetchall()


@pytest.mark.parametrize("kind", FORMS)
def test_a_kind_has_its_forms(database, kind):
    cursor = database.connect("poprad_operator").cursor()
    cursor.execute("insert into poprad.nas (name, prefix, secret, kind) values ('n', '10.0.3.0/24', 's', %s)", (kind,))
    assert rows(cursor, "select filter_form from poprad.nas") == [("usual",)]
    for form in ("usual", "none", "names", "rules", "old-rules", "filter-server", "other"):
        change = "update poprad.nas set filter_form = %s"
        if form in ("usual", "none", *FORMS[kind].split()):
            cursor.execute(change, (form,))
            continue
        with pytest.raises(psycopg2.errors.CheckViolation):
            cursor.execute(change, (form,))


def test_what_a_nas_in_service_gets_is_not_changed_by_an_update(cluster):
    database = cluster.empty_database("poprad_former_nas")
    try:
        connection = database.connect(autocommit=False)
        apply_schema(connection, newest=7)
        with connection, connection.cursor() as cursor:
            for number, kind in enumerate(FORMS):
                cursor.execute("insert into poprad.nas (name, prefix, secret, kind) values (%s, %s, 's', %s)",
                               (kind, f"10.0.{number}.0/24", kind))
        apply_schema(connection)
        with connection, connection.cursor() as cursor:
            forms = dict(rows(cursor, "select kind, filter_form from poprad.nas"))
        assert forms == {kind: "none" if kind in ("juniper", "ascend", "nokia") else "usual" for kind in FORMS}
        connection.close()
    finally:
        database.drop()


def test_the_catalog_for_filters_has_one_nas_of_each_sort(database):
    owner = database.connect().cursor()
    owner.execute("insert into poprad.nas_group (name, is_own_network) values ('west', true), ('rented', false)")
    owner.execute("""insert into poprad.nas (name, prefix, secret, kind, nas_group_id, filter_form) values
                     ('a', '10.0.1.0/24', 's', 'cisco', null, 'usual'), ('b', '10.0.2.0/24', 's', 'cisco', 1, 'usual'),
                     ('c', '10.0.3.0/24', 's', 'cisco', 2, 'usual'), ('d', '10.0.4.0/24', 's', 'cisco', 2, 'rules'),
                     ('e', '10.0.5.0/24', 's', 'other', 2, 'usual'), ('f', '10.0.6.0/24', 's', 'other', 2, 'usual')""")
    cursor = database.connect("poprad_operator").cursor()
    document = rows(cursor, "select poprad.catalog_for_filters()")[0][0]
    assert [nas["name"] for nas in document["nas"]] == ["a", "c", "d", "e"]
    server = database.connect("poprad_server").cursor()
    whole = rows(server, "select poprad.catalog()")[0][0]
    assert {**document, "nas": None} == {**whole, "nas": None, "own_filters": []}


def test_the_filter_password_is_there_where_it_is_asked_for(database):
    owner = database.connect().cursor()
    owner.execute("""insert into poprad.nas (name, prefix, secret, kind, filter_form, filter_password) values
                     ('a', '10.0.1.0/24', 's', 'cisco', 'filter-server', 'pass'),
                     ('b', '10.0.2.0/24', 's', 'cisco', 'filter-server', null),
                     ('c', '10.0.3.0/24', 's', 'cisco', 'names', 'pass')""")
    server = database.connect("poprad_server").cursor()
    nas = rows(server, "select poprad.catalog()")[0][0]["nas"]
    assert [one.get("filter_password") for one in nas] == ["pass", "cisco", None]
    with pytest.raises(psycopg2.errors.CheckViolation):
        owner.execute("update poprad.nas set filter_password = ''")


def test_what_a_group_imposes_makes_a_sort_of_its_own(database):
    owner = database.connect().cursor()
    owner.execute("insert into poprad.nas_group (name) values ('west'), ('east'), ('north'), ('south')")
    owner.execute("insert into poprad.filter (name, direction) values ('f', 'in'), ('g', 'in')")
    for group, filters in (("west", "{f}"), ("east", "{f}"), ("north", "{g,f}")):
        owner.execute("select poprad.nas_group_set(%s, null, %s)", (group, filters))
    owner.execute("""insert into poprad.nas (name, prefix, secret, kind, nas_group_id)
                     select g.name, ('10.0.' || g.nas_group_id || '.0/24')::cidr, 's', 'cisco', g.nas_group_id
                     from poprad.nas_group g order by g.nas_group_id""")
    cursor = database.connect("poprad_operator").cursor()
    document = rows(cursor, "select poprad.catalog_for_filters()")[0][0]
    assert [nas["name"] for nas in document["nas"]] == ["west", "north", "south"]
    assert [(group["name"], group["filters"]) for group in document["nas_groups"]] == [
        ("west", [1]), ("east", [1]), ("north", [2, 1])]
