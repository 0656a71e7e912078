# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The schema as a whole: it can be applied again, and nobody may do more than his role's work."""

from support.cluster import apply_schema

SERVER_FUNCTIONS = {
    "find", "find_metered", "admit", "learn_message_authenticator", "free_addresses", "tick", "catalog", "catalog_version",
    "account", "account_interim", "account_device", "account_other", "quarantine", "move_closed", "history_months",
    "auth_attempt_store", "auth_attempt_days"}


def test_applying_again_changes_nothing(database):
    connection = database.connect(autocommit=False)
    with connection, connection.cursor() as cursor:
        cursor.execute("select version, applied_at from poprad.schema_migration order by version")
        before = cursor.fetchall()
    assert before
    apply_schema(connection)
    with connection, connection.cursor() as cursor:
        cursor.execute("select version, applied_at from poprad.schema_migration order by version")
        assert cursor.fetchall() == before


def test_the_server_may_call_its_functions_and_nothing_else(database):
    cursor = database.connect().cursor()
    cursor.execute("""select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                      where n.nspname = 'poprad' and has_function_privilege('poprad_server', p.oid, 'execute')""")
    assert {name for name, in cursor.fetchall()} == SERVER_FUNCTIONS
    cursor.execute("""select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
                      where n.nspname in ('poprad', 'radius') and c.relkind in ('r', 'p', 'v', 'S')
                        and has_table_privilege('poprad_server', c.oid, 'select, insert, update, delete')""")
    assert cursor.fetchall() == []


def test_what_runs_with_the_owners_rights_has_a_fixed_search_path(database):
    cursor = database.connect().cursor()
    cursor.execute("""select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                      where n.nspname = 'poprad' and p.prosecdef
                        and 'search_path=poprad, pg_temp' = any (p.proconfig) is not true""")
    assert cursor.fetchall() == []


def test_everything_belongs_to_the_owner(database):
    cursor = database.connect().cursor()
    cursor.execute("""select c.relname, pg_get_userbyid(c.relowner) from pg_class c
                      join pg_namespace n on n.oid = c.relnamespace
                      where n.nspname in ('poprad', 'radius') and pg_get_userbyid(c.relowner) <> 'poprad_owner'
                      union all
                      select p.proname, pg_get_userbyid(p.proowner) from pg_proc p
                      join pg_namespace n on n.oid = p.pronamespace
                      where n.nspname in ('poprad', 'radius') and pg_get_userbyid(p.proowner) <> 'poprad_owner'""")
    assert cursor.fetchall() == []


def test_no_index_changes_with_a_sessions_start_or_stop(database):
    """So that these are HOT updates: one new row version, and no index entry."""
    cursor = database.connect().cursor()
    cursor.execute("""select distinct a.attname from pg_index i
                      join pg_attribute a on a.attrelid = i.indrelid
                          and (a.attnum = any (i.indkey) or exists ( -- of its predicate
                              select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
                                  and d.refobjid = i.indrelid and d.refobjsubid = a.attnum))
                      where i.indrelid = 'poprad.session'::regclass""")
    assert {name for name, in cursor.fetchall()} == {
        "session_key", "subscriber_id", "nas_id", "nas_address",
        "nas_port", "nas_port_type"}  # which the login has said
