# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What a new connection executes once before work comes, null for every array: it answers nothing and writes nothing."""

import pytest

from support.accounting import COLUMNS as ACCOUNT
from support.login import COLUMNS as ADMIT

INTERIM_COLUMNS = 12
PLAIN_ADMIT = [name for name, _ in ADMIT].index("learned_station") + 1

CALLS = {"find": 1, "admit": PLAIN_ADMIT, "account": len(ACCOUNT), "account_interim": INTERIM_COLUMNS}


@pytest.mark.parametrize("function", CALLS)
def test_nothing_comes_of_a_call_without_rows(database, function):
    connection = database.connect("poprad_server", autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute(f"select * from poprad.{function}({', '.join(['null'] * CALLS[function])})")
        assert cursor.fetchall() == []
        cursor.execute("select pg_current_xact_id_if_assigned()")
        assert cursor.fetchone() == (None,), "it wrote something"
