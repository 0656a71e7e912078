# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The schema as a whole: it can be applied again, and nobody may do more than his role's work."""

from support.cluster import apply_schema


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
