# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Pools of IPv6 prefixes: what may be one, which prefix a login gets, and that nobody gets another's."""

import concurrent.futures
import ipaddress
import random
import threading

import psycopg2
import pytest

from support import accounting
from support.login import Network, admit, double_leases, request, rows_read

LINE = {"nas_port": 1, "calling_station_id": "555-0100"}


@pytest.fixture
def network(database):
    made = Network(database)
    made.framed = add(made, "lines", "2001:db8:a::/60", 64)
    made.delegated = add(made, "homes", "2001:db8:b00::/44", 48)
    return made


@pytest.fixture
def cursor(database):
    return database.connect("poprad_server").cursor()


def add(network, name, prefix, length, group=None):
    network.run("select poprad.prefix_pool_add(%s, %s, %s, %s)", name, prefix, group, length)
    return network.one("select pool_id from poprad.pool where name = %s", name)


def both(network, subscriber, **values):
    """A login that is to have a prefix of each pool, and no address."""
    return request(subscriber, **{**dict(pool_id=0, framed_pool_id=network.framed, delegated_pool_id=network.delegated,
                                         prefix_search=True, prefix_required=True), **values})


def line(network, subscriber, **values):
    return both(network, subscriber, delegated_pool_id=0, **values)


def stop(network, key):
    """What a Stop does to the session and its leases."""
    network.run("""update poprad.session set state = 'closed', closed_at = now(), started_at = now(), stopped_at = now()
                   where session_key = %s""", key)
    network.run("select poprad.prefixes_release(array[%s]::uuid[])", key)


def framed(number):
    return f"2001:db8:a:{number:x}::/64" if number else "2001:db8:a::/64"


def held(network):
    return network.one("select count(*) from poprad.address where session_key is not null")


# Ranges -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, prefix, length, sentence", [
    ("p", "10.0.0.0/8", 24, "no prefixes of the length"),
    ("p", "2001:db8:c::/48", 65, "no prefixes of the length"),
    ("p", "2001:db8:c::/48", 44, "no prefixes of the length"),
    ("p", "2000::/3", 48, "no prefixes of the length"),
    ("p", "2001:d00::/24", 64, "2\\^32"),
    ("p", "ff00::/16", 48, "no subscriber can have"),
    ("p", "2001:db8:a::/48", 56, "overlaps 2001:db8:a::/60 of pool lines"),
    ("p", "2001:db8:5::/48", 56, "overlaps 2001:db8:5:0:1:: of owner"),
    ("p", "2001:db8:6::/48", 64, "overlaps 2001:db8:6:7::/64 of owner"),
    ("lines", "2001:db8:c::/48", 56, "pool lines leases prefixes of the length /64"),
    ("dynamic", "2001:db8:c::/48", 56, "pool dynamic leases addresses"),
])
def test_what_is_no_range_of_prefixes(network, name, prefix, length, sentence):
    network.subscriber(login="owner", static_address="2001:db8:5:0:1::", framed_ipv6_prefix="2001:db8:6:7::/64")
    with pytest.raises(psycopg2.Error, match=sentence):
        add(network, name, prefix, length)


@pytest.mark.parametrize("prefix, length, last", [
    ("2001:db8:c::/48", 64, "2001:db8:c:ffff::/64"), ("2001:d00::/24", 56, "2001:dff:ffff:ff00::/56"),
    ("2001:db8::/33", 48, "2001:db8:7fff::/48"), ("2001:db8:c::/48", 48, "2001:db8:c::/48")])
def test_the_bounds_of_a_range(network, prefix, length, last):
    network.run("delete from poprad.pool_range where pool_id > 1")
    pool = add(network, "p", prefix, length)
    network.run("select format('%%s', last_address), size from poprad.pool_range join poprad.prefix_range using (pool_range_id) "
                "where pool_id = %s", pool)
    size = 1 << length - int(prefix.split("/")[1])
    assert network.cursor.fetchone() == (last, size)
    assert network.one("select format('%%s', poprad.prefix_at(%s, %s, %s))", prefix, length, size - 1) == last


def test_addresses_and_prefixes_are_not_of_one_pool(network):
    with pytest.raises(psycopg2.Error, match="pool lines leases prefixes"):
        network.run("select poprad.pool_add('lines', '10.9.0.0/24', null, false)")
    with pytest.raises(psycopg2.Error, match="pool lines leases prefixes"):
        network.run("select poprad.plan_set('dialup', 'lines', null, null, null, null, null, null, null, null)")
    for pool, sentence in (("dynamic", "leases addresses"), ("none", "there is no pool none")):
        with pytest.raises(psycopg2.Error, match=sentence):
            network.run("select poprad.plan_prefixes_set('dialup', %s, null, null)", pool)


def test_a_plan_names_its_pools_and_keeps_them_from_going(network, cursor):
    network.run("select poprad.plan_prefixes_set('dialup', 'lines', 'homes', false)")
    cursor.execute("select poprad.catalog()->'plans'->0, poprad.catalog()->'pool_ranges'")
    plan, ranges = cursor.fetchone()
    assert (plan["framed_ipv6_pool_id"], plan["delegated_ipv6_pool_id"], plan["prefix_required"]) == (
        network.framed, network.delegated, False)
    assert [r["pool_id"] for r in ranges] == [1], "workers keep lists of addresses alone"
    with pytest.raises(psycopg2.Error, match="plan dialup uses pool homes"):
        network.run("select poprad.pool_remove('homes', null)")
    network.run("select poprad.plan_prefixes_set('dialup', '', '', null)")
    cursor.execute("select poprad.catalog()->'plans'->0")
    assert "framed_ipv6_pool_id" not in cursor.fetchone()[0]
    assert network.one("select poprad.pool_remove('homes', null)") == 1


def test_a_range_whose_prefix_is_leased_stays(network, cursor):
    admit(cursor, line(network, network.subscriber()))
    with pytest.raises(psycopg2.Error, match="are leased, for example 2001:db8:a::/64"):
        network.run("select poprad.pool_remove('lines', null)")


# Which one ----------------------------------------------------------------------------------------------------


def test_a_login_takes_an_address_and_two_prefixes(network, cursor):
    login = both(network, network.subscriber(), pool_id=1, candidate_1="10.0.8.1")
    verdict, = admit(cursor, login)
    assert (verdict, verdict.prefixes) == (
        ("ok", login["session_key"], "10.0.8.1", 1), ("2001:db8:a::/64", "2001:db8:b00::/48"))
    session = network.session(login["session_key"])
    assert (session["leased_framed_prefix"], session["leased_delegated_prefix"]) == verdict.prefixes
    assert held(network) == 3
    again, = admit(cursor, login)
    assert again.prefixes == verdict.prefixes and held(network) == 3
    assert not double_leases(network.cursor)


def test_a_batch_gets_all_different_ones_and_rows_are_made_as_they_are_given(network, cursor):
    verdicts = admit(cursor, *[both(network, one) for one in network.subscribers(16)])
    assert {v.prefixes[0] for v in verdicts} == {framed(n) for n in range(16)}
    assert len({v.prefixes[1] for v in verdicts}) == 16
    assert network.one("select count(*) from poprad.address where masklen(address) < 128 and family(address) = 6") == 32


def test_who_returns_gets_his_own_also_out_of_history(network, cursor):
    one, other = network.subscribers(2)
    first, second = both(network, one), both(network, other)
    before = admit(cursor, first, second)
    for login in (first, second):
        stop(network, login["session_key"])
    assert [v.prefixes for v in admit(cursor, both(network, other), both(network, one))] == [
        before[1].prefixes, before[0].prefixes]
    network.run("update poprad.session set state = 'closed', closed_at = now() - interval '2 hours'")
    network.run("update poprad.address set session_key = null")
    network.run("select poprad.move_closed(array[500])")
    assert network.session_count() == 0
    assert [v.prefixes for v in admit(cursor, both(network, other), both(network, one))] == [
        before[1].prefixes, before[0].prefixes]


def test_two_whose_last_prefix_is_the_same_do_not_share_it(network, cursor):
    people = network.subscribers(2)
    network.run("insert into poprad.address (address, pool_id, pool_range_id) select '2001:db8:a:5::/64', pool_id, pool_range_id "
                "from poprad.pool_range where pool_id = %s", network.framed)
    network.run("update poprad.subscriber_state set last_framed_prefix = '2001:db8:a:5::/64'")
    verdicts = admit(cursor, *[line(network, one) for one in people])
    assert {v.prefixes[0] for v in verdicts} == {framed(5), framed(0)}


def test_a_second_session_gets_a_second_prefix(network, cursor):
    one = network.subscriber()
    first = line(network, one, nas_port=1)
    admit(cursor, first)
    network.start(first["session_key"])
    assert admit(cursor, line(network, one, nas_port=2))[0].prefixes[0] == framed(1)


def test_a_login_on_the_same_line_keeps_it(network, cursor):
    one = network.subscriber()
    first = both(network, one, **LINE)
    before = admit(cursor, first)[0]
    waiting = admit(cursor, both(network, one, **LINE))[0]
    assert (waiting.session_key, waiting.prefixes) == (first["session_key"], before.prefixes)
    network.start(first["session_key"])
    assert admit(cursor, both(network, one, **LINE))[0].prefixes == before.prefixes
    assert held(network) == 2 and not double_leases(network.cursor)


def test_a_static_one_goes_before_the_pool_and_is_never_given_to_another(network, cursor):
    owner = network.subscriber(framed_ipv6_prefix=framed(1))
    verdicts = admit(cursor, *[line(network, one) for one in network.subscribers(15)])
    assert {v.prefixes[0] for v in verdicts} == {framed(n) for n in range(16)} - {framed(1)}
    assert admit(cursor, line(network, network.subscriber()))[0].reason == "framed_pool_exhausted"
    assert admit(cursor, line(network, owner, framed_pool_id=0, framed_prefix=framed(1)))[0].prefixes[0] == framed(1)
    with pytest.raises(psycopg2.Error, match="overlaps 2001:db8:a::/60 of pool lines"):
        network.subscriber(framed_ipv6_prefix="2001:db8:a::/62")
    with pytest.raises(psycopg2.Error, match="overlaps 2001:db8:a::/60 of pool lines"):
        network.subscriber(static_address="2001:db8:a:3::1")


def test_the_ranges_of_a_pool_one_after_the_other_and_by_group(network, cursor):
    west = network.group("west")
    add(network, "lines", "2001:db8:a:10::/63", 64)
    add(network, "lines", "2001:db8:a:20::/63", 64, "west")
    def get(group):
        return [v.prefixes[0] for v in admit(cursor, *[line(network, one, nas_group_id=group) for one in network.subscribers(18)])]
    assert set(get(0)) == {framed(n) for n in (*range(16), 0x10, 0x11)}
    assert get(west).count(None) == 16 and held(network) == 20


# Used ones ----------------------------------------------------------------------------------------------------


def test_when_all_have_been_given_those_that_were_free_longest_come_first(network, cursor):
    logins = [line(network, one) for one in network.subscribers(16)]
    admit(cursor, *logins)
    order = random.Random(7).sample(range(16), 6)
    for place, number in enumerate(order):
        stop(network, logins[number]["session_key"])
        network.run("update poprad.address set changed_at = now() - make_interval(hours => %s) where address = %s",
                    10 - place, framed(number))
    got = [admit(cursor, line(network, network.subscriber()))[0].prefixes[0] for _ in order]
    assert got == [framed(number) for number in order]
    assert admit(cursor, line(network, network.subscriber()))[0].reason == "framed_pool_exhausted"


def test_the_hand_goes_round_a_large_range(network, cursor):
    pool = add(network, "wide", "2001:db8:c::/54", 64)  # 1024
    people = network.subscribers(1024)
    logins = [line(network, one, framed_pool_id=pool) for one in people]
    assert {v.reason for v in admit(cursor, *logins)} == {"ok"}
    free = random.Random(3).sample(range(1024), 90)
    for number in free:
        stop(network, logins[number]["session_key"])
    got = []
    for _ in range(9):
        got += [v.prefixes[0] for v in admit(cursor, *[line(network, one, framed_pool_id=pool) for one in network.subscribers(10)])]
    assert len(set(got)) == 90 and None not in got
    assert admit(cursor, line(network, network.subscriber(), framed_pool_id=pool))[0].reason == "framed_pool_exhausted"
    stop(network, logins[next(n for n in range(1024) if n not in free)]["session_key"])
    assert admit(cursor, line(network, network.subscriber(), framed_pool_id=pool))[0].reason == "ok"


def test_without_a_search_used_ones_are_not_sought(network, cursor):
    logins = [line(network, one) for one in network.subscribers(16)]
    admit(cursor, *logins)
    stop(network, logins[3]["session_key"])
    assert admit(cursor, line(network, network.subscriber(), prefix_search=False))[0].reason == "framed_pool_exhausted"
    assert admit(cursor, line(network, logins[3]["subscriber_id"], prefix_search=False))[0].prefixes[0] == framed(3)


def test_one_that_rests_is_nobodys_yet(network, cursor):
    logins = [line(network, one) for one in network.subscribers(16)]
    admit(cursor, *logins)
    network.run("select poprad.prefixes_release(array[%s]::uuid[], null, interval '10 minutes')", logins[3]["session_key"])
    assert admit(cursor, line(network, network.subscriber()))[0].reason == "framed_pool_exhausted"


# All or nothing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("required", [True, False])
def test_an_exhausted_pool_refuses_all_or_lets_in_without(network, cursor, required):
    admit(cursor, *[line(network, one) for one in network.subscribers(16)])
    before = held(network)
    login = both(network, network.subscriber(), pool_id=1, candidate_1="10.0.8.1", prefix_required=required)
    verdict, = admit(cursor, login)
    if required:
        assert (verdict.reason, verdict.session_key, verdict.prefixes) == ("framed_pool_exhausted", None, (None, None))
        assert held(network) == before and network.session(login["session_key"]) is None
    else:
        assert (verdict[:3], verdict.prefixes) == (("ok", login["session_key"], "10.0.8.1"), (None, "2001:db8:b00::/48"))


def test_the_delegated_pool_refuses_with_its_own_reason(network, cursor):
    admit(cursor, *[both(network, one, framed_pool_id=0) for one in network.subscribers(16)])
    before = held(network)
    assert admit(cursor, both(network, network.subscriber()))[0].reason == "delegated_pool_exhausted"
    assert held(network) == before
    assert not double_leases(network.cursor)


def test_a_lost_proposal_of_an_address_takes_no_prefix(network, cursor):
    verdicts = admit(cursor, *[both(network, one, pool_id=1, candidate_1="10.0.8.1") for one in network.subscribers(2)])
    assert sorted(v.reason for v in verdicts) == ["candidates_taken", "ok"]
    assert held(network) == 3
    assert network.one("select sum(made) from poprad.prefix_range") == 2


def test_a_static_address_of_a_refused_login_is_free_again(network, cursor):
    admit(cursor, *[line(network, one) for one in network.subscribers(16)])
    his = network.subscriber(static_address="10.0.4.10")
    assert admit(cursor, line(network, his, static_address="10.0.4.10"))[0].reason == "framed_pool_exhausted"
    assert network.holder("10.0.4.10") is None


# Accounting ---------------------------------------------------------------------------------------------------


def test_a_prefix_that_a_nas_uses_unasked_is_not_given_to_another(network, cursor):
    accounting.account(network.connection, accounting.packet(
        accounting.START, 5, login="nobody", framed_ipv6_prefix=framed(0), delegated_ipv6_prefix="2001:db8:a::/56"))
    assert admit(cursor, line(network, network.subscriber()))[0].prefixes[0] == framed(1)
    session, = accounting.sessions(network.connection, "acct_session_id nulls last, session_key")[:1]
    assert str(network.holder(framed(0))) == session["session_key"]
    accounting.account(network.connection, accounting.packet(accounting.STOP, 65, login="nobody", session_time=60))
    assert network.holder(framed(0)) is None


def test_the_life_of_a_lease(network, cursor):
    login = both(network, network.subscriber("demo"))
    prefixes = admit(cursor, login)[0].prefixes
    line_of = dict(class_key=login["session_key"], login="demo")
    accounting.account(network.connection, accounting.packet(accounting.START, 5, **line_of))
    accounting.account(network.connection, accounting.packet(
        accounting.INTERIM, 65, session_time=60, framed_ipv6_prefix=prefixes[0], delegated_ipv6_prefix=prefixes[1], **line_of))
    assert held(network) == 2
    accounting.account(network.connection, accounting.packet(accounting.STOP, 95, session_time=90, **line_of))
    assert held(network) == 0


def test_only_their_own_rows_are_read(network, database):
    """By a connection whose plans were made while nothing was there."""
    pool = add(network, "wide", "2001:db8:c::/48", 64)
    server = database.connect("poprad_server", autocommit=False)
    first, second = (line(network, one, framed_pool_id=pool) for one in network.subscribers(2))
    for login in (first, second):
        admit(server.cursor(), login)
        accounting.account(server, *[accounting.packet(kind, 5, class_key=login["session_key"], login=None)
                                     for kind in (accounting.START, accounting.STOP)])
    server.commit()
    people = network.subscribers(2000)
    for begin in range(0, 2000, 500):
        admit(network.cursor, *[line(network, one, framed_pool_id=pool) for one in people[begin:begin + 500]])
    newcomers = network.subscribers(40)
    server.cursor().execute("select pg_stat_force_next_flush()")
    server.rollback()
    before = rows_read(server.cursor())
    logins = [line(network, one, framed_pool_id=pool) for one in newcomers]
    assert {v.reason for v in admit(server.cursor(), *logins)} == {"ok"}
    accounting.account(server, *[accounting.packet(
        accounting.START, 5, class_key=login["session_key"], login=None, acct_session_id=str(login["session_key"]),
        framed_ipv6_prefix="2001:db8:c:7777::/64") for login in logins[:20]])
    accounting.account(server, *[accounting.packet(
        accounting.STOP, 5, class_key=login["session_key"], login=None, acct_session_id=str(login["session_key"]))
        for login in logins])
    assert rows_read(server.cursor()) - before < 40 * 60


# Many at once -------------------------------------------------------------------------------------------------


def test_many_at_once_never_share_one(network, database):
    """Logins, Starts, Stops, operators and NASes with prefixes of their own, on small pools. A deadlock would fail it."""
    workers, rounds = 5, 12
    people = network.subscribers(40)
    network.cursor.execute("select subscriber_id, login from poprad.subscriber")
    logins = dict(network.cursor.fetchall())
    barrier = threading.Barrier(workers)
    connections = [database.connect("poprad_server") for _ in range(workers)]

    def work(number):
        order = random.Random(number)
        connection, cursor, online = connections[number], connections[number].cursor(), []
        barrier.wait()
        for turn in range(rounds):
            batch = [both(network, one, nas_port=order.randrange(3), prefix_required=order.random() < 0.8,
                          authorised_max=2) for one in order.choices(people, k=6)]
            online += [r for r, v in zip(batch, admit(cursor, *batch)) if v is not None and v.reason == "ok"
                       and v.session_key == r["session_key"]]
            order.shuffle(online)
            packets = []
            for one in online[:5]:
                kind = order.choice((accounting.START, accounting.INTERIM, accounting.STOP))
                said = {"framed_ipv6_prefix": framed(order.randrange(16))} if order.random() < 0.3 else {}
                packets.append(accounting.packet(
                    kind, turn * 10 + 5, class_key=one["session_key"], login=logins[one["subscriber_id"]],
                    acct_session_id=str(one["session_key"]), session_time=turn, **said))
            accounting.durable(connection, *packets)
        return True

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        assert all(future.result() for future in [pool.submit(work, number) for number in range(workers)])
    # one holder each, who knows of it, and nobody thinks to hold what another holds
    network.run("""
        select format('%%s', p.prefix), count(*) from poprad.session s
        cross join unnest(array[s.leased_framed_prefix, s.leased_delegated_prefix]::inet[]) p (prefix)
        join poprad.address a on a.address = p.prefix and a.session_key = s.session_key
        where s.state <> 'closed' group by 1 having count(*) > 1""")
    assert network.cursor.fetchall() == []
    assert not double_leases(network.cursor)
    network.run("select format('%%s', address) from poprad.address where masklen(address) < 128 and family(address) = 6")
    seen = [ipaddress.ip_network(text) for text, in network.cursor.fetchall()]
    assert len(seen) <= 32


def test_fresh_prefixes_for_everybody_at_once(network, database):
    pool = add(network, "wide", "2001:db8:c::/54", 64)
    people = network.subscribers(600)
    connections = [database.connect("poprad_server") for _ in range(4)]
    barrier = threading.Barrier(4)

    def work(number):
        barrier.wait()
        mine, got = people[number::4], []
        for begin in range(0, len(mine), 25):
            got += [v.prefixes[0] for v in admit(connections[number].cursor(), *[
                line(network, one, framed_pool_id=pool) for one in mine[begin:begin + 25]])]
        return got

    with concurrent.futures.ThreadPoolExecutor(4) as executor:
        got = [one for future in [executor.submit(work, number) for number in range(4)] for one in future.result()]
    assert None not in got and len(set(got)) == 600
    assert network.one("select made from poprad.prefix_range order by size desc limit 1") == 600
