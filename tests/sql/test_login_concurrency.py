# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Several workers at once on the same subscribers, sessions and addresses: limits hold, no address has two holders,
and nobody waits in a circle. A deadlock, or a wait beyond the server's lock_timeout, fails the test as an error."""

import concurrent.futures
import datetime
import random
import threading

import pytest

from support import accounting
from support.login import Network, admit, double_leases, request


@pytest.fixture
def network(database):
    return Network(database)


def at_once(database, count, work):
    """Runs work(number, connection) `count` times in threads that begin together. Returns the results."""
    barrier = threading.Barrier(count)
    connections = [database.connect("poprad_server") for _ in range(count)]

    def run(number):
        barrier.wait()
        return work(number, connections[number])

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(run, number) for number in range(count)]]


def test_one_batch_carried_out_by_everybody_leases_once(network, database):
    batch = [request(one, candidate_1=f"10.0.8.{n}") for n, one in enumerate(network.subscribers(12))]
    answers = at_once(database, 6, lambda number, connection: admit(
        connection.cursor(), *random.Random(number).sample(batch, len(batch))))
    for answer in answers:
        assert {v.reason for v in answer} == {"ok"}
    assert len({(v.session_key, v.address) for answer in answers for v in answer}) == 12
    assert len(network.leased()) == 12
    assert network.session_count() == 12


def test_rivals_for_the_same_addresses(network, database):
    people = network.subscribers(24)

    def work(number, connection):
        order = random.Random(number)
        batch = [request(one, **{f"candidate_{n}": f"10.0.8.{order.randrange(16)}" for n in (1, 2, 3, 4)})
                 for one in people[number * 4:number * 4 + 4]]
        first = admit(connection.cursor(), *batch)
        again = [dict(r, search=True) for r, v in zip(batch, first) if v.reason == "candidates_taken"]
        return [v for v in first if v.reason == "ok"] + (admit(connection.cursor(), *again) if again else [])

    verdicts = [v for answer in at_once(database, 6, work) for v in answer]
    taken = [v.address for v in verdicts if v.reason == "ok"]
    assert len(verdicts) == 24
    assert len(taken) == len(set(taken)) == 16, "a free address was left, or one was given twice"
    assert {v.reason for v in verdicts} == {"ok", "pool_exhausted"}
    assert not double_leases(network.cursor)


def test_the_session_limit_is_exact(network, database):
    people = network.subscribers(10)
    with_session = people[:5]
    running = [request(one, nas_port=0, candidate_1=f"10.0.8.{n}") for n, one in enumerate(with_session)]
    admit(network.cursor, *running)
    for login in running:
        network.start(login["session_key"])

    def work(number, connection):
        order = random.Random(number)
        batch = [request(one, nas_port=number + 1, session_limit=1, authorised_max=8, search=True)
                 for one in order.sample(people, len(people))]
        return [(r["subscriber_id"], v.reason) for r, v in zip(batch, admit(connection.cursor(), *batch))]

    for one, reason in [pair for answer in at_once(database, 4, work) for pair in answer]:
        assert (reason == "session_limit") == (one in with_session), (one, reason)


def test_many_logins_on_the_line_of_an_active_session_replace_it_once(network, database):
    people = network.subscribers(8)
    running = [request(one, nas_port=1, candidate_1=f"10.0.8.{n}") for n, one in enumerate(people)]
    admit(network.cursor, *running)
    for login in running:
        network.start(login["session_key"])

    def work(number, connection):
        batch = [request(one, nas_port=1, session_limit=1) for one in random.Random(number).sample(people, len(people))]
        return [(r["subscriber_id"], v) for r, v in zip(batch, admit(connection.cursor(), *batch))]

    answers = at_once(database, 6, work)
    for n, one in enumerate(people):
        verdicts = [v for answer in answers for subscriber_id, v in answer if subscriber_id == one]
        assert {v.reason for v in verdicts} == {"ok"}
        assert {v.address for v in verdicts} == {f"10.0.8.{n}"}
        assert len({v.session_key for v in verdicts}) == 1
    assert len(network.leased()) == 8
    assert not double_leases(network.cursor)


def test_first_logins_at_once_teach_one_station(network, database):
    people = network.subscribers(10)
    operators = people[:5]

    def work(number, connection):
        order = random.Random(number)
        if number == 0:  # somebody changes their policy meanwhile
            operator = database.connect("poprad_operator").cursor()
            for one in operators:
                operator.execute("select poprad.subscriber_policy_set(login, '{\"session_limit\": 5}') from poprad.subscriber "
                                 "where subscriber_id = %s", (one,))
            return []
        batch = [request(one, nas_port=number, authorised_max=8, search=True, learned_station=f"station {number}")
                 for one in order.sample(people, len(people))]
        return [(r["subscriber_id"], r["learned_station"], v.reason) for r, v in zip(batch, admit(connection.cursor(), *batch))]

    answers = [one for answer in at_once(database, 5, work) for one in answer]
    network.cursor.execute("select subscriber_id, learned_calling_station, session_limit from poprad.subscriber_policy")
    kept = {one: (station, limit) for one, station, limit in network.cursor.fetchall()}
    assert set(kept) == set(people)
    for one, station, reason in answers:
        assert reason == ("ok" if kept[one][0] == station else "other_calling_station"), (one, station, reason)
    assert [kept[one][1] for one in operators] == [5] * 5
    assert network.session_count() == len(people) and not double_leases(network.cursor)


def test_everything_at_once(network, database):
    """Logins, Starts, Interims, Stops, restarts of the device and expiry on few subscribers, lines and addresses."""
    workers, rounds, batch_size = 4, 25, 16
    people = network.subscribers(9)
    fixed = network.subscriber("fixed", static_address="10.0.4.10")
    network.cursor.execute("select subscriber_id, login from poprad.subscriber")
    logins = dict(network.cursor.fetchall())

    def some_login(order):
        one = order.choice(people + [fixed])
        wanted = {f"candidate_{n}": f"10.0.8.{order.randrange(16)}" for n in (1, 2, 3, 4)}
        return request(one, static_address="10.0.4.10" if one == fixed else None, nas_port=order.randrange(5),
                       user_name=logins[one], session_limit=order.choice([0, 1, 2]), authorised_max=2,
                       search=order.random() < 0.3, **wanted)

    def some_packet(order, number, admitted):
        login, verdict = order.choice(admitted)
        now = datetime.datetime.now(datetime.timezone.utc)
        status = order.choice([accounting.START, accounting.STOP, accounting.INTERIM])
        return accounting.packet(
            status, 0, class_key=verdict.session_key if order.random() < 0.7 else None, login=login["user_name"],
            acct_session_id=str(verdict.session_key)[-4:] if order.random() < 0.9 else "same",
            framed_address=verdict.address, nas_port=login["nas_port"], event_at=now, received_at=now,
            session_time=None if status == accounting.START else order.randrange(5))

    def work(number, connection):
        order = random.Random(number)
        cursor = connection.cursor()
        admitted, reasons = [], set()
        for _ in range(rounds):
            batch = [some_login(order) for _ in range(batch_size)]
            if order.random() < 0.3:
                batch += order.sample(batch, 3)
            verdicts = admit(cursor, *batch)
            reasons |= {v.reason for v in verdicts if v}
            admitted += [(r, v) for r, v in zip(batch, verdicts) if v and v.reason == "ok"]
            del admitted[:-60]
            if admitted:
                accounting.durable(connection, *[some_packet(order, number, admitted) for _ in range(batch_size)])
            if order.random() < 0.2:
                cursor.execute("select * from poprad.tick(array['n'], array[%s], array[now() - interval '1 h'], "
                               "array[now()], array[3], array[3600])", (number,))
            if order.random() < 0.1:
                now = datetime.datetime.now(datetime.timezone.utc)
                cursor.execute("select * from poprad.account_device(array[7::int2], array[1], array['10.0.3.1'::inet], "
                               "array[null::inet], array[null::text], array[%s], array[%s], array[500], array[%s])",
                               (now, now, accounting.NO_KEY))
        return reasons

    reasons = set().union(*at_once(database, workers, work))
    assert {"ok", "session_limit"} <= reasons <= {
        "ok", "session_limit", "candidates_taken", "pool_exhausted", "static_address_in_use"}
    assert double_leases(network.cursor) == []
    network.cursor.execute("""select subscriber_id, count(*) from poprad.session where state = 'authorised'
                              group by subscriber_id having count(*) > 2""")
    assert network.cursor.fetchall() == []
