# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The months of session_history: made ahead, forgotten, detached and attached."""

import datetime

import psycopg2
import pytest

from support.accounting import STOP, account, at, new_key, packet, provider, rows, session, sessions, value

DAY = 86400


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


@pytest.fixture
def server(database):
    return database.connect("poprad_server")


@pytest.fixture
def operator(database):
    return database.connect("poprad_operator")


def months(connection):
    return {month: is_attached for month, is_attached in rows(connection, "select month, is_attached from poprad.history_list()")}


def look_after(server, keep=0):
    return value(server, "select dropped from poprad.history_months(array[%s])", keep)


def month_of(seconds):
    """The month of a time on the tests' clock, and its first day."""
    when = at(seconds).astimezone(datetime.timezone.utc)
    return when.strftime("%Y-%m"), when.date().replace(day=1)


def past(connection, seconds, name="1", ended=None):
    """A session in history that began then; its end as given, else a minute later."""
    key = new_key(at(seconds).timestamp())
    account(connection, packet(STOP, seconds + 60, new_key=key, acct_session_id=name, login="nobody", session_time=60))
    ended = at(seconds + 60) if ended is None else ended
    rows(connection, "update poprad.session set closed_at = %s where session_key = %s", ended, key)
    assert value(connection, "select moved from poprad.move_closed(array[500])") == 1
    return key


def test_this_month_and_the_next_are_made_ahead(connection, server):
    """A new database has them, so that no server makes them in its first busy second."""
    this, following = rows(connection, """select to_char(m, 'YYYY-MM'), to_char(m + interval '1 month', 'YYYY-MM')
                                          from date_trunc('month', now() at time zone 'UTC') m""")[0]
    assert months(connection) == {this: True, following: True}
    rows(connection, f"drop table poprad.session_history_{following.replace('-', '')}")
    assert months(connection) == {this: True}
    assert look_after(server) == 0 and look_after(server) == 0
    assert months(connection) == {this: True, following: True}


def test_whole_months_are_dropped_when_their_last_session_is_old_enough(connection, server):
    past(connection, 0)
    young = past(connection, 100, "2", ended=value(connection, "select now() - interval '40 days'"))
    month, _ = month_of(0)
    assert month in months(connection)
    assert look_after(server) == 0, "0 keeps everything"
    assert look_after(server, 41 * DAY) == 0, "one of its sessions ended 40 days ago"
    assert session(connection, young)["is_history"]
    assert look_after(server, 39 * DAY) == 1
    assert month not in months(connection) and sessions(connection) == []
    assert look_after(server, 39 * DAY) == 0


def test_a_month_that_is_not_over_stays(connection, server):
    look_after(server)
    before = months(connection)
    assert look_after(server, 1) == 0 and months(connection) == before


def test_a_reader_is_not_waited_for_long(connection, server, database):
    past(connection, 0)
    reader = database.connect(autocommit=False)
    rows(reader, "select count(*) from poprad.session_history")
    assert look_after(server, DAY) == 0
    reader.rollback()
    assert look_after(server, DAY) == 1


def test_a_detached_month_is_out_of_sight_and_comes_back(connection, operator):
    key = past(connection, 0)
    month, first_day = month_of(0)
    rows(operator, "select poprad.history_detach(%s) is null", first_day)
    assert months(connection)[month] is False and sessions(connection) == []
    with pytest.raises(psycopg2.DatabaseError, match="there is no history of"):
        rows(operator, "select poprad.history_detach(%s)", first_day)
    rows(operator, "select poprad.history_attach(%s) is null", first_day)
    assert months(connection)[month] is True and session(connection, key)["is_history"]
    with pytest.raises(psycopg2.DatabaseError, match="is not detached"):
        rows(operator, "select poprad.history_attach(%s)", first_day)


def test_a_straggler_opens_its_month_anew_and_joins_it_when_attached(connection, operator):
    first = past(connection, 0)
    month, first_day = month_of(0)
    rows(operator, "select poprad.history_detach(%s) is null", first_day)
    second = past(connection, 3600, "2")
    assert sorted(rows(connection, "select month, is_attached from poprad.history_list() where month = %s", month)) == [
        (month, False), (month, True)]
    with pytest.raises(psycopg2.DatabaseError, match="is detached already"):
        rows(operator, "select poprad.history_detach(%s)", first_day)
    rows(operator, "select poprad.history_attach(%s) is null", first_day)
    assert {s["session_key"] for s in sessions(connection)} == {str(first), str(second)}
    assert months(connection)[month] is True


def test_retention_does_not_touch_what_is_detached(connection, operator, server):
    past(connection, 0)
    month, first_day = month_of(0)
    rows(operator, "select poprad.history_detach(%s) is null", first_day)
    assert look_after(server, 1) == 0
    assert months(connection)[month] is False
    rows(operator, "select poprad.history_drop(%s) is null", first_day)
    assert month not in months(connection)
    with pytest.raises(psycopg2.DatabaseError, match="is not detached"):
        rows(operator, "select poprad.history_drop(%s)", first_day)


def test_this_month_is_not_detached(connection, operator, server):
    look_after(server)
    with pytest.raises(psycopg2.DatabaseError, match="is not over"):
        rows(operator, "select poprad.history_detach(date_trunc('month', now() at time zone 'UTC')::date)")


def test_the_newest_of_a_login_are_found_from_the_last_month_back(connection, operator):
    month = 31 * DAY
    keys = [past(connection, -number * month, str(number)) for number in range(3)]  # the newest first
    newest = "select k from poprad.session_keys_of('nobody', %s) k order by k desc"
    assert [rows(operator, newest, count) for count in (1, 2, 3, 9)] == [[(key,) for key in keys[:count]] for count in (1, 2, 3, 9)]
    assert rows(operator, newest, None) == [(key,) for key in keys]
    assert rows(operator, newest, 0) == []
