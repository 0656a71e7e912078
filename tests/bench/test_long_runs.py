# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What the runs that take long begin with: a year of closed sessions, periods that are shorter."""
import datetime
import pathlib
import sys
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import churn  # noqa: E402
import poprad_year  # noqa: E402
from poprad_server import PopradServer  # noqa: E402

SUBSCRIBERS, POOL = 400, "100.64.0.0/19"
PROVIDER = types.SimpleNamespace(subscribers=SUBSCRIBERS, pool=POOL, online=0)


def filled(database):
    connection = database.connect(autocommit=False)
    PopradServer.fill_rows(PROVIDER, connection, "lease")
    connection.commit()
    return connection


def test_a_year_of_sessions_is_what_its_days_add_up_to(database):
    connection, closed = filled(database), 3000
    now = datetime.datetime.now(datetime.timezone.utc)
    poprad_year.fill_year(connection, now, SUBSCRIBERS, closed, database.conninfo())
    looked_up = poprad_year.LOOKED_UP * poprad_year.SESSIONS_EACH
    with connection, connection.cursor() as cursor:
        cursor.execute("""select count(*), count(distinct subscriber_id), sum(session_time), min(started_at), max(stopped_at)
            from poprad.session_history""")
        sessions, subscribers, seconds, first, last = cursor.fetchone()
        assert (sessions, subscribers) == (closed + looked_up, SUBSCRIBERS)
        assert abs(now - first - datetime.timedelta(days=poprad_year.DAYS)) < datetime.timedelta(days=1)
        assert last < now + datetime.timedelta(hours=1)
        cursor.execute("select sum(sessions), sum(seconds) from poprad.usage_day")
        assert cursor.fetchone() == (sessions, seconds)
        cursor.execute("select count(*) from poprad.session_keys_of('line-7@isp.example', 50)")
        assert cursor.fetchone() == (50,)


def test_the_present_is_as_before_the_year_stays(database):
    connection = filled(database)
    now = datetime.datetime.now(datetime.timezone.utc)
    poprad_year.fill_year(connection, now, SUBSCRIBERS, 0, database.conninfo())
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("create extension pg_prewarm")
        cursor.execute("""update poprad.address set session_key = gen_random_uuid()
            where address = (select min(address) from poprad.address)""")
        for statement in poprad_year.PRESENT_AGAIN:
            cursor.execute(statement)
        cursor.execute("select count(*) from poprad.address where session_key is not null")
        assert cursor.fetchone() == (0,)
        cursor.execute("select count(*) from poprad.session_history")
        assert cursor.fetchone() == (poprad_year.LOOKED_UP * poprad_year.SESSIONS_EACH,)


def test_churn_finds_the_periods_that_it_shortens(database):
    connection = database.connect(autocommit=False)
    churn.shorten_periods(connection)
    with connection, connection.cursor() as cursor:
        cursor.execute("select poprad.session_is_past(now() - interval '2 minutes')")
        assert cursor.fetchone() == (True,)
