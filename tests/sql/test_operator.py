# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What the operator's functions and triggers do to the tables, and that they get along with logins."""

import random
import threading

import psycopg2
import psycopg2.errors
import pytest

from support.login import Network, admit, double_leases, mint, request


@pytest.fixture
def network(database):
    return Network(database)


@pytest.fixture
def operator(database):
    return database.connect("poprad_operator").cursor()


def value(cursor, sql, *parameters):
    cursor.execute(sql, parameters)
    return cursor.fetchone()[0]


def static_rows(network):
    network.run("select host(address), is_static, pool_id is not null from poprad.address where is_static or pool_id is null "
                "order by address")
    return network.cursor.fetchall()


# Rights ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("statement", [
    "update poprad.session set state = 'closed'",
    "delete from poprad.session",
    "update poprad.address set session_key = null",
    "insert into poprad.address (address) values ('10.1.1.1')",
    "delete from poprad.pool_range",
    "insert into poprad.plan (name) values ('x')",
    "delete from poprad.subscriber_state",
    "create table poprad.mine (x int)",
    "create function poprad.mine() returns int language sql as 'select 1'",
    "select poprad.static_address_take('{1}', '{10.1.1.1}')",
    "select poprad.sessions_close('{}', 'x')",
    "set role poprad_owner",
])
def test_the_operator_changes_leases_and_sessions_through_functions_alone(operator, statement):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        operator.execute(statement)


@pytest.mark.parametrize("role", ["poprad_server", "poprad_billing"])
def test_other_roles_do_not_operate(database, role):
    cursor = database.connect(role).cursor()
    for statement in ("select poprad.pool_add('p', '10.1.0.0/24', null, false)", "select poprad.session_close(%s, 'x')",
                      "delete from poprad.subscriber", "select password from poprad.subscriber", "select secret from poprad.nas"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement, [mint()] if "%s" in statement else None)


# Static addresses -----------------------------------------------------------------------------------------------

def test_a_static_address_has_a_row_as_long_as_it_is_somebodys(network):
    inside, outside = network.subscriber(static_address="10.0.8.3"), network.subscriber(static_address="10.0.4.9")
    assert static_rows(network) == [("10.0.4.9", True, False), ("10.0.8.3", True, True)]
    network.run("update poprad.subscriber set static_address = '10.0.4.8' where subscriber_id = %s", inside)
    assert static_rows(network) == [("10.0.4.8", True, False), ("10.0.4.9", True, False)]
    network.run("delete from poprad.subscriber where subscriber_id = %s", outside)
    assert static_rows(network) == [("10.0.4.8", True, False)]


def test_two_subscribers_may_change_places_in_one_statement(network):
    one, other = network.subscriber(static_address="10.0.4.1"), network.subscriber(static_address="10.0.4.2")
    network.run("alter table poprad.subscriber drop constraint subscriber_static_address_key")
    network.run("""alter table poprad.subscriber add constraint subscriber_static_address_key unique (static_address)
                   deferrable initially deferred""")
    network.run("""update poprad.subscriber set static_address = case subscriber_id when %s then '10.0.4.2'::inet
                   else '10.0.4.1' end where subscriber_id in (%s, %s)""", one, one, other)
    assert static_rows(network) == [("10.0.4.1", True, False), ("10.0.4.2", True, False)]


def test_a_static_address_in_use_keeps_its_row_until_the_session_ends(network, database):
    subscriber = network.subscriber(static_address="10.0.4.9")
    server = database.connect("poprad_server").cursor()
    login = request(subscriber, static_address="10.0.4.9", pool_id=0)
    assert admit(server, login)[0].address == "10.0.4.9"
    network.run("update poprad.subscriber set static_address = null where subscriber_id = %s", subscriber)
    assert static_rows(network) == [("10.0.4.9", False, False)]
    assert network.holder("10.0.4.9") == login["session_key"]


def test_every_subscriber_has_the_row_that_a_login_locks(network):
    network.run("insert into poprad.subscriber (login, plan_id, password) select 'many-' || n, 1, 'p' from generate_series(1, 50) n")
    assert network.one("select count(*) from poprad.subscriber left join poprad.subscriber_state s using (subscriber_id) "
                       "where s.subscriber_id is null") == 0
    network.run("delete from poprad.subscriber")
    assert network.one("select count(*) from poprad.subscriber_state") == 0


# Sessions -------------------------------------------------------------------------------------------------------

def test_closing_a_session_frees_its_address_for_the_next_login(network, database, operator):
    server = database.connect("poprad_server").cursor()
    first, second = request(network.subscriber(), candidate_1="10.0.8.5"), request(network.subscriber(), candidate_1="10.0.8.5")
    admit(server, first)
    network.start(first["session_key"])
    assert admit(server, second)[0].reason == "candidates_taken"
    assert value(operator, "select host(poprad.session_close(%s, 'Admin-Reset'))", first["session_key"]) == "10.0.8.5"
    session = network.session(first["session_key"])
    assert (session["state"], session["terminate_cause"], session["cause_rank"], session["authorised_until"]) == (
        "closed", "Admin-Reset", 3, None)
    assert session["stopped_at"] is not None and session["closed_at"] is not None
    assert admit(server, second)[0].reason == "ok"
    with pytest.raises(psycopg2.errors.RaiseException):
        value(operator, "select poprad.session_close(%s, 'Admin-Reset')", first["session_key"])
    assert network.holder("10.0.8.5") == second["session_key"]


def test_closing_gives_back_no_address_that_another_session_holds(network, database, operator):
    server = database.connect("poprad_server").cursor()
    first, second = request(network.subscriber(), candidate_1="10.0.8.5"), request(network.subscriber(), candidate_1="10.0.8.6")
    admit(server, first, second)
    network.run("update poprad.session set address = '10.0.8.6' where session_key = %s", first["session_key"])
    assert value(operator, "select poprad.session_close(%s, 'Admin-Reset')", first["session_key"]) is None
    assert network.holder("10.0.8.6") == second["session_key"]


# With everything at once ----------------------------------------------------------------------------------------

ROUNDS = 40
STATIC = [f"10.0.4.{host}" for host in range(1, 5)]


def run_all(workers):
    """Runs each in a thread of its own; the first failure is raised here."""
    failures = []

    def guarded(work):
        try:
            work()
        except Exception as failure:  # told below, in the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def log_in(database, subscribers, seed):
    def work():
        dice = random.Random(seed)
        cursor = database.connect("poprad_server").cursor()
        for _ in range(ROUNDS):
            chosen = dice.sample(subscribers, 6)
            admit(cursor, *(request(one, candidate_1=f"10.0.8.{dice.randrange(16)}", candidate_2=f"10.0.8.{dice.randrange(16)}")
                            for one in chosen))
    return work


def operate(database, change, seed):
    """change(cursor, dice) again and again; what may not be is refused, but nothing may deadlock."""
    def work():
        dice = random.Random(seed)
        cursor = database.connect("poprad_operator").cursor()
        for _ in range(ROUNDS):
            try:
                change(cursor, dice)
            except (psycopg2.errors.RaiseException, psycopg2.errors.NoDataFound, psycopg2.errors.UniqueViolation):
                pass
    return work


def close_some(cursor, dice):
    cursor.execute("select session_key from poprad.session where state <> 'closed' order by random() limit 3")
    for key, in cursor.fetchall():
        cursor.execute("select poprad.session_close(%s, 'Admin-Reset')", (key,))


def move_static(subscribers):
    def change(cursor, dice):
        address = dice.choice([None, *STATIC, "10.0.8.3", "10.0.8.9"])
        cursor.execute("update poprad.subscriber set static_address = %s where subscriber_id = %s",
                       (address, dice.choice(subscribers)))
    return change


def come_and_go(cursor, dice):
    login = f"guest-{dice.randrange(4)}"
    if dice.random() < 0.5:
        cursor.execute("select poprad.subscriber_remove(%s, true)", (login,))
    else:
        cursor.execute("insert into poprad.subscriber (login, plan_id, password, static_address) values (%s, 1, 'p', %s)",
                       (login, dice.choice([None, *STATIC])))


def change_pools(cursor, dice):
    if dice.random() < 0.5:
        cursor.execute("select poprad.pool_add('extra', %s, null, true)", (dice.choice(["10.0.4.0/29", "10.0.4.0/28"]),))
    else:
        cursor.execute("select poprad.pool_remove('extra', null)")


def test_logins_and_operators_do_not_deadlock_and_no_address_is_leased_twice(network, database):
    subscribers = network.subscribers(12)
    run_all([log_in(database, subscribers, 1), log_in(database, subscribers, 2),
             operate(database, close_some, 3), operate(database, close_some, 4),
             operate(database, move_static(subscribers), 5), operate(database, come_and_go, 6),
             operate(database, change_pools, 7)])
    assert double_leases(network.cursor) == []
    assert network.one("""select count(*) from poprad.subscriber s left join poprad.address a on a.address = s.static_address
        where s.static_address is not null and not coalesce(a.is_static, false)""") == 0
    assert network.one("""select count(*) from poprad.address a where is_static
        and not exists (select from poprad.subscriber s where s.static_address = a.address)""") == 0
