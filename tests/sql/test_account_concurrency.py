# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Several workers record the same sessions at once, while closed ones move into history: every session ends as one
row with all that was acknowledged, wherever its packets went and however often. A deadlock fails the test."""

import concurrent.futures
import random
import threading
import time

import pytest

from support.accounting import (INTERIM, START, STOP, account, at, authorise, durable, new_key, packet, provider, rows,
                                session, sessions, value)
from support.login import double_leases

WORKERS = 4


@pytest.fixture
def connection(database):
    made = database.connect()
    provider(made)
    return made


def in_threads(*works):
    barrier = threading.Barrier(len(works))

    def run(work):
        barrier.wait()
        return work()

    with concurrent.futures.ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(run, work) for work in works]]


def story(name, **identity):
    return [packet(status, 100 + second, acct_session_id=name, session_time=second if second else None,
                   in_octets=second * 1000, out_octets=second * 5000, in_packets=second, has_gigawords=True,
                   terminate_cause="User-Request" if status == STOP else None, **identity)
            for status, second in ((START, 0), (INTERIM, 600), (INTERIM, 1200), (STOP, 1500))]


def stories(connection):
    """Sessions of every kind, by name: with Class; adopted; unknown; and many under one name."""
    made = {}
    for number in range(1, 11):
        address = f"10.0.8.{number}"
        key = authorise(connection, login="many@isp.example", address=address, when=99, nas_port=number)
        made[f"class {number}"] = story(f"class {number}", login="many@isp.example", class_key=key, nas_port=number,
                                        framed_address=address)
    for number in range(11, 16):
        address = f"10.0.8.{number}"
        authorise(connection, login="demo@isp.example", address=address, when=99)
        made[f"adopted {number}"] = story(f"adopted {number}", framed_address=address)
    for number in range(10):
        made[f"unknown {number}"] = story(f"unknown {number}", login=f"nobody {number}", nas_port=number)
        made[f"same {number}"] = story("same", login="nobody", nas_port=number, framed_address=f"10.9.0.{number}")
    return made


def check(connection, expected):
    found = {}
    for row in sessions(connection):
        if row["acct_session_id"] is not None:
            name = row["acct_session_id"] if row["acct_session_id"] != "same" else f"same {row['nas_port']}"
            assert name not in found, f"two records of {name}"
            found[name] = row
    assert set(found) == set(expected)
    for name, row in found.items():
        assert (row["state"], row["cause_rank"], row["started_at"], row["stopped_at"], row["session_time"],
                row["in_octets"], row["out_octets"], row["in_packets"], row["terminate_cause"]) == (
            "closed", 4, at(100).isoformat(), at(1600).isoformat(), 1500, 1500000, 7500000, 1500, "User-Request"), name
    assert value(connection, """
        select count(*) from poprad.session s join poprad.session_history h on h.session_key = s.session_key""") == 0
    with connection.cursor() as cursor:
        assert double_leases(cursor) == []
    assert value(connection, "select count(*) from poprad.address where session_key is not null") == 0


@pytest.mark.parametrize("seed", range(3))
def test_every_packet_reaches_every_worker(connection, database, seed):
    expected = stories(connection)
    works = []
    for number in range(WORKERS):
        order = random.Random(seed * WORKERS + number)
        packets = [one for packets in expected.values() for one in packets]
        order.shuffle(packets)

        def work(packets=packets, order=order, server=database.connect("poprad_server")):
            while packets:
                size = order.choice([1, 7, 40])
                answers = durable(server, *packets[:size])
                assert len(answers) == len(packets[:size])
                del packets[:size]

        works.append(work)

    is_over = threading.Event()

    def move(server=database.connect("poprad_server"), administrator=database.connect()):
        moved = 0
        while not is_over.is_set():
            rows(administrator, """
                update poprad.session set closed_at = now() - interval '2 hours' where session_key in (
                    select session_key from poprad.session where state = 'closed' and closed_at > now() - interval '1 hour'
                    for update skip locked)""")
            moved += value(server, "select moved from poprad.move_closed(array[500])")
        return moved

    with concurrent.futures.ThreadPoolExecutor(1) as mover:
        moved = mover.submit(move)
        try:
            in_threads(*works)
        finally:
            is_over.set()
        assert moved.result() > 0, "nothing moved meanwhile: the test has shown nothing about history"
    check(connection, expected)


def test_each_packet_goes_to_one_worker(connection, database):
    expected = stories(connection)
    shares = [[] for _ in range(WORKERS)]
    order = random.Random(7)
    for packets in expected.values():
        for one in packets:
            order.choice(shares).append(one)

    def work(share, server):
        order.shuffle(share)
        for first in range(0, len(share), 16):
            durable(server, *share[first:first + 16])  # an old packet behind a newer one may have nothing to add

    in_threads(*[lambda share=share, server=database.connect("poprad_server"): work(share, server)
                 for share in shares])
    check(connection, expected)


def test_one_first_packet_to_all_workers(connection, database):
    """All mint a key for the same new session; one row comes of it."""
    for number in range(10):
        start = packet(START, 5, login="nobody", acct_session_id=str(number))
        verdicts = in_threads(*[
            lambda server=database.connect("poprad_server"): durable(server, {**start, "new_key": packet(1, 1)["new_key"]})
            for _ in range(WORKERS)])
        assert sorted(answer[0][0] for answer in verdicts) == ["recorded"] + ["repeat"] * (WORKERS - 1)
    assert len(sessions(connection)) == 10


def while_it_waits(database, first, second, first_role="poprad_server"):
    """Runs first(connection) in a transaction, then second(connection) beside it, which must wait for its end."""
    holder, waiter = database.connect(first_role, autocommit=False), database.connect("poprad_server")
    first(holder)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(second, waiter)
        watcher = database.connect()
        for _ in range(1000):
            if answer.done() or value(watcher, "select wait_event_type = 'Lock' from pg_stat_activity where pid = %s",
                                      waiter.info.backend_pid):
                break
            time.sleep(0.005)
        assert not answer.done(), "it did not wait"
        holder.commit()
        return answer.result()


def test_the_later_of_two_starts_sees_the_other(connection, database):
    keys = [authorise(connection, address=None) for _ in range(2)]
    starts = [packet(START, 5, class_key=key, acct_session_id=str(key)) for key in keys]
    while_it_waits(database, lambda server: account(server, starts[0]), lambda server: account(server, starts[1]))
    made = {s["session_key"]: s["flags"] for s in sessions(connection)}
    assert [made[str(key)] for key in keys] == [[], ["over_limit"]]


def test_a_month_that_somebody_else_opens_meanwhile(connection, database):
    """Who waited for him finds it, and moves his sessions there."""
    key = authorise(connection, session_key=new_key(at(0).timestamp()))
    account(connection, packet(STOP, 50, class_key=key, session_time=45))
    rows(connection, "update poprad.session set closed_at = closed_at - interval '2 hours'")
    month = at(0).date().replace(day=1)
    assert while_it_waits(
        database, lambda owner: rows(owner, "set role poprad_owner; select poprad.session_history_partition(%s)", month),
        lambda server: value(server, "select moved from poprad.move_closed(array[500])"), "postgres") == 1
    assert session(connection, key)["is_history"]


def test_a_session_that_moves_away_under_the_packet(connection, database):
    """Nothing is acknowledged that is not stored: the packet follows its session into history."""
    key = authorise(connection)
    account(connection, packet(STOP, 50, class_key=key, session_time=45))
    rows(connection, "update poprad.session set closed_at = closed_at - interval '2 hours'")
    late = packet(INTERIM, 40, class_key=key, session_time=35, in_octets=77)
    assert while_it_waits(database, lambda server: rows(server, "select * from poprad.move_closed(array[500])"),
                          lambda server: durable(server, late)) == [("recorded", True, None)]
    (made,) = sessions(connection)
    assert made["is_history"] and made["in_octets"] == 77


def test_a_session_that_is_closed_under_the_packet(connection, database):
    """The end that another worker writes is not undone by a packet that was read beside it, nor is the packet lost."""
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key))
    stop = packet(STOP, 95, class_key=key, session_time=90, in_octets=90, out_octets=7)
    interim = packet(INTERIM, 65, class_key=key, session_time=60, in_octets=60, framed_ipv6_address="2001:db8::7")
    while_it_waits(database, lambda server: account(server, stop), lambda server: durable(server, interim))
    made = session(connection, key)
    assert (made["state"], made["stopped_at"], made["cause_rank"], made["in_octets"], made["out_octets"],
            made["framed_ipv6_address"]) == ("closed", at(95).isoformat(), 4, 90, 7, "2001:db8::7")


def test_two_workers_count_one_session(connection, database):
    """Counters of packets that are recorded at once: no update is lost."""
    key = authorise(connection)
    account(connection, packet(START, 5, class_key=key))
    one = packet(INTERIM, 65, class_key=key, session_time=60, in_octets=600, out_octets=1)
    two = packet(INTERIM, 66, class_key=key, session_time=61, in_octets=1, out_octets=900)
    while_it_waits(database, lambda server: account(server, one), lambda server: durable(server, two))
    made = session(connection, key)
    assert (made["session_time"], made["in_octets"], made["out_octets"]) == (61, 600, 900)


def test_one_class_under_two_names_at_once(connection, database):
    """The name that comes first is bound; the other is a record of its own."""
    key = authorise(connection)
    start = packet(START, 5, class_key=key)
    while_it_waits(database, lambda server: account(server, start),
                   lambda server: durable(server, {**start, "acct_session_id": "second", "new_key": new_key()}))
    assert [(s["session_key"] == str(key), s["acct_session_id"], s["state"])
            for s in sessions(connection, "acct_session_id")] == [
        (True, "00000001", "active"), (False, "second", "active")]
