# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""poprad.tick(): authorised sessions run out, by time in which accounting could be stored."""

import concurrent.futures
import time

import pytest

from support.login import Network, admit, double_leases, mint, request, rows_read


@pytest.fixture
def network(database):
    return Network(database)


@pytest.fixture
def cursor(database):
    return database.connect("poprad_server").cursor()


def tick(cursor, available=3600, accounted=0, node="a", worker=0):
    """Times in seconds before now."""
    cursor.execute("""select ord, expired from poprad.tick(array[%s], array[%s],
                      array[now() - make_interval(secs => %s)], array[now() - make_interval(secs => %s)],
                      array[3], array[0])""", (node, worker, available, accounted))
    (ordinal, expired), = cursor.fetchall()
    assert ordinal == 1
    return expired


def login(network, cursor, age, address="10.0.8.1", **values):
    """A login that was authorised `age` seconds ago. Returns its key."""
    made = request(network.subscriber(), candidate_1=address, **values)
    assert admit(cursor, made)[0].reason == "ok"
    network.run("""update poprad.session set authorised_at = authorised_at - make_interval(secs => %s),
                   authorised_until = authorised_until - make_interval(secs => %s) where session_key = %s""",
                age, age, made["session_key"])
    return made["session_key"]


def test_a_session_that_never_started_gives_its_address_back(network, cursor):
    key = login(network, cursor, 61)
    network.run("update poprad.address set changed_at = '2020-01-01'")
    assert tick(cursor) == 1
    session = network.session(key)
    assert (session["state"], session["terminate_cause"], session["cause_rank"], session["authorised_until"]) == (
        "closed", "Never-Started", 1, None)
    assert session["closed_at"] is not None
    assert network.leased() == []
    assert network.one("select changed_at > '2026-01-01' from poprad.address where address = '10.0.8.1'")
    assert tick(cursor) == 0


def test_before_its_time_nothing_happens(network, cursor):
    login(network, cursor, 50)
    assert tick(cursor) == 0
    assert network.leased() == ["10.0.8.1"]


def test_a_started_session_does_not_run_out(network, cursor):
    key = login(network, cursor, 500)
    network.start(key)
    assert tick(cursor) == 0


def test_time_without_the_database_does_not_count(network, cursor):
    login(network, cursor, 500)
    assert tick(cursor, available=50) == 0
    assert tick(cursor, available=70) == 1


def test_time_with_older_accounting_still_to_be_stored_does_not_count(network, cursor):
    login(network, cursor, 100)
    assert tick(cursor, accounted=50) == 0
    assert tick(cursor, accounted=30) == 1


def test_the_slowest_worker_decides(network, cursor):
    login(network, cursor, 100)
    assert tick(cursor, accounted=90, node="b") == 0
    assert tick(cursor, accounted=0, node="a") == 0
    assert tick(cursor, accounted=0, node="b") == 1


def test_the_worker_that_came_last_decides(network, cursor):
    login(network, cursor, 500)
    assert tick(cursor, available=10, worker=1) == 0
    assert tick(cursor, worker=0) == 0


def test_a_worker_that_has_not_called_for_long_does_not_count(network, cursor):
    login(network, cursor, 100)
    assert tick(cursor, accounted=90, node="b") == 0
    network.run("update poprad.worker_state set updated_at = now() - interval '11 s'")
    assert tick(cursor, node="a") == 1


def test_a_worker_whose_clock_runs_ahead_makes_nothing_run_out_early(network, cursor):
    login(network, cursor, 30)
    assert tick(cursor, accounted=-3600) == 0


def test_a_worker_has_one_row(network, cursor):
    for _ in range(3):
        tick(cursor)
    tick(cursor, worker=1)
    assert network.one("select count(*) from poprad.worker_state") == 2


def test_five_hundred_at_a_time(network, cursor):
    network.pool("dynamic", "10.0.16.0/22")
    requests = [request(one, candidate_1=f"10.0.{16 + n // 256}.{n % 256}") for n, one in
                enumerate(network.subscribers(501))]
    admit(cursor, *requests)
    network.run("""update poprad.session set authorised_at = now() - interval '2 min',
                   authorised_until = now() - interval '1 min'""")
    assert tick(cursor) == 500
    assert len(network.leased()) == 1
    assert tick(cursor) == 1
    assert not double_leases(network.cursor)


def test_a_session_that_somebody_works_on_is_left_for_later(network, cursor, database):
    key = login(network, cursor, 100)
    login(network, cursor, 100, "10.0.8.2")
    other = database.connect(autocommit=False)
    other.cursor().execute("select from poprad.session where session_key = %s for update", (key,))
    assert tick(cursor) == 1
    assert network.leased() == ["10.0.8.1"]
    other.rollback()
    assert tick(cursor) == 1


def test_a_lease_that_has_moved_is_not_taken_away(network, cursor):
    subscriber = network.subscriber(static_address="10.0.4.10")
    first, second = [request(subscriber, static_address="10.0.4.10", nas_port=n) for n in (1, 2)]
    admit(cursor, first, second)
    network.run("""update poprad.session set authorised_at = now() - interval '2 min', authorised_until = now()
                   - interval '1 min' where session_key = %s""", first["session_key"])
    assert tick(cursor) == 1
    assert network.holder("10.0.4.10") == second["session_key"]


def test_on_a_nas_without_accounting_the_session_timeout_counts_by_the_wall(network, cursor):
    network.run("update poprad.nas set no_accounting = true")
    login(network, cursor, 3700, no_accounting=True, session_timeout_s=3600)
    login(network, cursor, 100, "10.0.8.2", no_accounting=True, session_timeout_s=3600)
    login(network, cursor, 9999, "10.0.8.3", no_accounting=True)
    assert tick(cursor, available=1, accounted=3000) == 1
    assert network.leased() == ["10.0.8.2", "10.0.8.3"]


def test_a_repeat_of_an_expired_login_says_nothing(network, cursor):
    made = request(network.subscriber(), candidate_1="10.0.8.1", session_key=mint())
    admit(cursor, made)
    network.run("""update poprad.session set authorised_at = now() - interval '2 min',
                   authorised_until = now() - interval '1 min'""")
    assert tick(cursor) == 1
    assert admit(cursor, made) == [None]


# The walks over the keys --------------------------------------------------------------------------------------

ROUND = 1000  # keys that the slow walk sees in a call
SWEPT = 2000  # that the sweep does


def born(seconds_ago):
    """A key of that age; negative: of a clock that runs ahead."""
    return mint(time.time() - seconds_ago)


def crowd(network, count, seconds_ago=3600):
    """That many active sessions with older keys."""
    network.run("""insert into poprad.session (session_key, state, nas_id, nas_address, user_name, started_at,
                       last_heard)
                   select (substr(poprad.session_key_first(now() - make_interval(secs => %s))::text, 1, 24)
                           || lpad(to_hex(i), 12, '0'))::uuid, 'active', 1, '10.0.3.1', 'someone', now(), now()
                   from generate_series(1, %s) i""", seconds_ago, count)


def wait_a_minute(network):
    """The quick walk stands where it stood a minute ago."""
    network.run("""update poprad.session_walk set reached = least(reached,
                   poprad.session_key_first(now() - interval '90 s')) where name = 'expire_recent'""")


def walked(cursor, calls=20, **values):
    """Expired by that many calls together."""
    return sum(tick(cursor, **values) for _ in range(calls))


def test_behind_many_others_a_session_runs_out_at_once(network, cursor):
    crowd(network, 5 * ROUND)
    login(network, cursor, 61, session_key=born(61))
    assert tick(cursor) == 1
    assert network.leased() == []


def test_who_may_still_start_holds_the_walk_for_those_behind(network, cursor):
    crowd(network, 5 * ROUND)
    login(network, cursor, 61, session_key=born(61))
    login(network, cursor, 50, "10.0.8.2", session_key=born(50))
    assert tick(cursor, available=30) == 0
    assert network.leased() == ["10.0.8.1", "10.0.8.2"]
    assert tick(cursor, available=65) == 1
    network.run("""update poprad.session set authorised_at = authorised_at - interval '20 s',
                   authorised_until = authorised_until - interval '20 s' where state = 'authorised'""")
    assert tick(cursor, available=95) == 1
    assert network.leased() == []


def test_who_may_wait_for_hours_holds_nobody(network, cursor):
    network.run("insert into poprad.nas (name, prefix, secret, kind, no_accounting) "
                "values ('silent', '10.0.7.0/24', 'secret', 'cisco', true)")
    silent = dict(nas_id=2, nas_address="10.0.7.1", no_accounting=True)
    crowd(network, 5 * ROUND)
    login(network, cursor, 90, "10.0.8.2", session_key=born(90), session_timeout_s=36000, **silent)
    login(network, cursor, 85, "10.0.8.3", session_key=born(85), **silent)
    login(network, cursor, 80, "10.0.8.4", session_key=born(80), no_accounting=True, session_timeout_s=36000)
    again = request(network.subscriber(), candidate_1="10.0.8.5", nas_port=1, session_key=born(75))
    admit(cursor, again)
    admit(cursor, dict(again, session_key=mint()))
    login(network, cursor, 61, session_key=born(61))
    assert tick(cursor) == 1
    assert network.leased() == [f"10.0.8.{n}" for n in range(2, 6)]


def test_what_was_taken_over_by_a_later_login_runs_out_in_the_end(network, cursor):
    crowd(network, 3 * ROUND)
    made = request(network.subscriber(), candidate_1="10.0.8.1", nas_port=1, session_key=born(100))
    admit(cursor, made)
    admit(cursor, dict(made, session_key=mint()))
    assert walked(cursor) == 0
    network.run("""update poprad.session set authorised_at = authorised_at - interval '61 s',
                   authorised_until = authorised_until - interval '61 s' where state = 'authorised'""")
    assert walked(cursor) == 1
    assert network.leased() == []


@pytest.mark.parametrize("seconds_ago", [86400, -86400, -3e9], ids=["behind", "ahead", "far ahead"])
def test_a_key_of_a_wrong_clock_runs_out_and_stops_nobody(network, cursor, seconds_ago):
    crowd(network, 3 * ROUND)
    tick(cursor)
    wait_a_minute(network)
    login(network, cursor, 61, session_key=born(seconds_ago))
    login(network, cursor, 61, "10.0.8.2", session_key=born(61))
    assert tick(cursor) >= 1
    assert network.holder("10.0.8.2") is None
    assert walked(cursor) <= 1
    assert network.leased() == []
    wait_a_minute(network)
    login(network, cursor, 61, "10.0.8.3", session_key=born(61))
    assert tick(cursor) == 1


def test_a_login_that_is_committed_late_runs_out(network, cursor, database):
    crowd(network, 3 * ROUND)
    late = database.connect("poprad_server", autocommit=False)
    made = request(network.subscriber(), candidate_1="10.0.8.1", session_key=born(61))
    admit(late.cursor(), made)
    assert walked(cursor, 3) == 0
    late.commit()
    network.run("""update poprad.session set authorised_at = now() - interval '2 min',
                   authorised_until = now() - interval '1 min' where state = 'authorised'""")
    assert walked(cursor) == 1
    assert network.leased() == []


def test_a_lap_ends_though_more_sessions_are_born_than_a_call_looks_at(network, cursor, database):
    late = database.connect("poprad_server", autocommit=False)
    admit(late.cursor(), request(network.subscriber(), candidate_1="10.0.8.1", session_key=born(61)))
    crowd(network, 2 * ROUND, 5)
    assert walked(cursor, 2) == 0  # the quick walk has passed its key, the other one as well
    late.commit()
    network.run("""update poprad.session set authorised_at = now() - interval '2 min',
                   authorised_until = now() - interval '1 min' where state = 'authorised'""")
    time.sleep(1.1)  # what is born from now on is of the next lap
    for _ in range(10):
        crowd(network, ROUND + 1, 0)
        if walked(cursor, 1) == 1:
            break
    assert network.leased() == []


def test_the_databases_clock_may_be_set_back(network, cursor):
    crowd(network, 3 * ROUND)
    network.run("update poprad.session_walk set reached = poprad.session_key_first(now() + interval '1 day')")
    tick(cursor)
    assert network.one("""select reached < poprad.session_key_first(now()) from poprad.session_walk
                          where name = 'expire_recent'""")
    login(network, cursor, 61)
    assert walked(cursor) == 1


def test_workers_that_walk_at_once_end_each_session_once(network, cursor, database):
    network.pool("dynamic", "10.0.16.0/22")
    batch = [request(one, candidate_1=f"10.0.{16 + n // 256}.{n % 256}", session_key=born(70)) for n, one in
             enumerate(network.subscribers(700))]
    admit(cursor, *batch)
    network.run("""update poprad.session set authorised_at = now() - interval '2 min',
                   authorised_until = now() - interval '1 min'""")
    connections = [database.connect("poprad_server") for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(len(connections)) as pool:
        ended = sum(pool.map(lambda one: walked(one[1].cursor(), 6, worker=one[0]), enumerate(connections)))
    assert ended + walked(cursor, 3) == 700
    assert network.leased() == []


def test_a_call_sees_a_bounded_number_of_keys(network, cursor, database):
    """Nor one that nobody needs to see yet."""
    crowd(network, 22000)
    crowd(network, 5000, 0)
    network.run("analyze")
    server = database.connect("poprad_server", autocommit=False)
    tick(server.cursor())
    assert rows_read(server.cursor()) <= 20000 + ROUND + SWEPT + 100
    before = rows_read(server.cursor())
    tick(server.cursor())
    tick(server.cursor())  # the quick walk has seen them all
    assert rows_read(server.cursor()) - before <= 2000 + 2 * (ROUND + SWEPT) + 300
