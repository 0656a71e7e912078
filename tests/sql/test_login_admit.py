# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""poprad.admit(): every rule of a login, alone and inside batches."""

import pytest

from support.login import Network, admit, double_leases, mint, request


@pytest.fixture
def network(database):
    return Network(database)


@pytest.fixture
def cursor(database):
    """The server's own connection, with its rights and settings."""
    return database.connect("poprad_server").cursor()


def test_a_login_gets_the_first_candidate_and_an_authorised_session(network, cursor):
    login = request(network.subscriber(), candidate_1="10.0.8.5", candidate_2="10.0.8.6", nas_port=7,
                    calling_station_id="555-0100", interim_s=900, **{"class": "poprad:x"})
    verdict, = admit(cursor, login)
    assert verdict == ("ok", login["session_key"], "10.0.8.5", 1)
    assert network.leased() == ["10.0.8.5"]
    assert network.holder("10.0.8.5") == login["session_key"]
    session = network.session(login["session_key"])
    assert session["state"] == "authorised"
    assert session["address"] == "10.0.8.5"
    assert (session["nas_port"], session["calling_station_id"], session["interim_s"], session["class"]) == (
        7, "555-0100", 900, "poprad:x")
    assert (session["authorised_until"] - session["authorised_at"]).total_seconds() == 60
    assert session["acct_session_id"] is None and session["started_at"] is None


def test_an_empty_batch_is_answered_with_nothing(cursor, network):
    assert admit(cursor) == []


def test_a_repeat_is_answered_with_what_is_stored(network, cursor):
    login = request(network.subscriber(), candidate_1="10.0.8.5")
    first, = admit(cursor, login)
    again, = admit(cursor, dict(login, candidate_1="10.0.8.6"))
    assert (again.reason, again.session_key, again.address) == (first.reason, first.session_key, first.address)
    assert network.leased() == ["10.0.8.5"]
    assert network.session_count() == 1


def test_a_repeat_after_the_start_is_still_the_same_session(network, cursor):
    login = request(network.subscriber(), candidate_1="10.0.8.5", session_limit=1)
    admit(cursor, login)
    network.start(login["session_key"])
    again, = admit(cursor, login)
    assert (again.reason, again.session_key, again.address) == ("ok", login["session_key"], "10.0.8.5")


def test_a_repeat_of_what_has_ended_meanwhile_says_nothing(network, cursor):
    login = request(network.subscriber(), candidate_1="10.0.8.5")
    admit(cursor, login)
    network.run("update poprad.session set state = 'closed'")
    assert admit(cursor, login) == [None]
    assert network.session_count() == 1


def test_the_same_request_twice_in_a_batch_leases_once(network, cursor):
    login = request(network.subscriber(), candidate_1="10.0.8.5")
    first, second = admit(cursor, login, dict(login, candidate_1="10.0.8.6"))
    assert (first.reason, first.session_key, first.address) == (second.reason, second.session_key, second.address)
    assert network.leased() == ["10.0.8.5"]


def test_a_subscriber_who_is_gone_gets_no_row(network, cursor):
    present = request(network.subscriber(), candidate_1="10.0.8.5")
    assert [v and v.reason for v in admit(cursor, request(4711, candidate_1="10.0.8.6"), present)] == [None, "ok"]
    assert network.leased() == ["10.0.8.5"]


# Addresses ------------------------------------------------------------------------------------------------------


def test_the_last_address_comes_before_the_candidates(network, cursor):
    subscriber = network.subscriber()
    network.run("update poprad.subscriber_state set last_address = '10.0.8.9'")
    verdict, = admit(cursor, request(subscriber, candidate_1="10.0.8.5"))
    assert (verdict.address, verdict.used_candidate) == ("10.0.8.9", 0)


def test_who_comes_back_gets_the_address_of_his_newest_session(network, cursor):
    subscriber, other = network.subscribers(2)
    network.run("update poprad.subscriber_state set last_address = '10.0.8.9'")
    admit(cursor, request(other, candidate_1="10.0.8.4"))
    admit(cursor, *[request(subscriber, nas_port=n, candidate_1="10.0.8.6", candidate_2="10.0.8.5") for n in range(3)])
    assert network.leased() == ["10.0.8.5", "10.0.8.6", "10.0.8.9"]
    network.run("update poprad.session set state = 'closed'")
    network.run("update poprad.address set session_key = null")
    newest = network.one("""select host(address) from poprad.session where subscriber_id = %s
                            order by session_key desc limit 1""", subscriber)
    verdict, = admit(cursor, request(subscriber, candidate_1="10.0.8.7"))
    assert (verdict.address, verdict.used_candidate) == (newest, 0)
    assert newest == "10.0.8.5"


@pytest.mark.parametrize("last", ["10.0.8.5", "10.0.9.1", "192.0.2.1"])
def test_a_last_address_that_is_held_or_not_of_the_pool_is_passed_over(network, cursor, last):
    holder, subscriber = network.subscribers(2)
    admit(cursor, request(holder, candidate_1="10.0.8.5"))
    network.pool("other", "10.0.9.0/30")
    network.run("update poprad.subscriber_state set last_address = %s where subscriber_id = %s", last, subscriber)
    verdict, = admit(cursor, request(subscriber, candidate_1="10.0.8.6"))
    assert (verdict.reason, verdict.address, verdict.used_candidate) == ("ok", "10.0.8.6", 1)


def test_each_candidate_is_tried_in_turn(network, cursor):
    for address in ("10.0.8.1", "10.0.8.2", "10.0.8.3"):
        admit(cursor, request(network.subscriber(), candidate_1=address))
    verdict, = admit(cursor, request(network.subscriber(), candidate_1="10.0.8.1", candidate_2="10.0.8.2",
                                     candidate_3="10.0.8.3", candidate_4="10.0.8.4"))
    assert (verdict.reason, verdict.address, verdict.used_candidate) == ("ok", "10.0.8.4", 4)


def test_rivals_in_a_batch_are_told_apart_by_their_order(network, cursor):
    rivals = [request(one, candidate_1="10.0.8.5", candidate_2="10.0.8.6") for one in network.subscribers(3)]
    verdicts = admit(cursor, *rivals)
    assert [(v.reason, v.address) for v in verdicts] == [
        ("ok", "10.0.8.5"), ("ok", "10.0.8.6"), ("candidates_taken", None)]
    assert verdicts[2].session_key is None


def test_lost_proposals_keep_nothing_and_the_same_key_comes_again(network, cursor):
    admit(cursor, request(network.subscriber(), candidate_1="10.0.8.5"))
    login = request(network.subscriber(), candidate_1="10.0.8.5")
    assert admit(cursor, login)[0].reason == "candidates_taken"
    assert network.session(login["session_key"]) is None
    verdict, = admit(cursor, dict(login, candidate_1="10.0.8.6"))
    assert verdict == ("ok", login["session_key"], "10.0.8.6", 1)


def test_without_candidates_nothing_is_taken_unless_a_search_is_asked_for(network, cursor):
    login = request(network.subscriber())
    assert admit(cursor, login)[0].reason == "candidates_taken"
    verdict, = admit(cursor, dict(login, search=True))
    assert (verdict.reason, verdict.used_candidate) == ("ok", 0)
    assert network.leased() == [verdict.address]


def test_the_search_finds_every_last_address_and_then_says_exhausted(network, cursor):
    verdicts = admit(cursor, *[request(one, search=True) for one in network.subscribers(17)])
    assert [v.reason for v in verdicts] == ["ok"] * 16 + ["pool_exhausted"]
    assert len(network.leased()) == 16
    assert network.session_count() == 16
    assert verdicts[16].session_key is None


def test_the_search_goes_through_all_ranges_of_the_pool(network, cursor):
    network.pool("dynamic", "10.0.16.0/30")
    verdicts = admit(cursor, *[request(one, search=True) for one in network.subscribers(21)])
    assert [v.reason for v in verdicts] == ["ok"] * 20 + ["pool_exhausted"]
    assert not double_leases(network.cursor)


def test_a_range_of_a_group_serves_only_that_group(network, cursor):
    west, east = network.group("west"), network.group("east")
    network.pool("dynamic", "10.0.16.0/30", west)
    away, home = network.subscribers(2)
    assert admit(cursor, request(away, nas_group_id=east, candidate_1="10.0.16.1"))[0].reason == "candidates_taken"
    assert admit(cursor, request(home, nas_group_id=west, candidate_1="10.0.16.1"))[0].reason == "ok"
    network.run("update poprad.address set session_key = gen_random_uuid() where address <<= '10.0.8.0/24'")
    assert admit(cursor, request(away, nas_group_id=east, search=True))[0].reason == "pool_exhausted"
    assert admit(cursor, request(away, nas_group_id=0, search=True))[0].reason == "pool_exhausted"
    assert admit(cursor, request(away, nas_group_id=west, search=True))[0].reason == "ok"


def test_an_address_of_another_pool_is_never_taken(network, cursor):
    network.pool("other", "10.0.9.0/30")
    assert admit(cursor, request(network.subscriber(), candidate_1="10.0.9.1"))[0].reason == "candidates_taken"


def test_a_static_address_of_somebody_is_never_taken_from_the_pool(network, cursor):
    network.subscriber(static_address="10.0.8.5")
    guest = network.subscriber()
    network.run("update poprad.subscriber_state set last_address = '10.0.8.5'")
    assert admit(cursor, request(guest, candidate_1="10.0.8.5"))[0].reason == "candidates_taken"
    network.run("update poprad.address set session_key = gen_random_uuid() where not is_static")
    assert admit(cursor, request(guest, search=True))[0].reason == "pool_exhausted"


def test_a_plan_without_pool_lets_the_nas_assign(network, cursor):
    login = request(network.subscriber(), pool_id=0, candidate_1="10.0.8.5")
    verdict, = admit(cursor, login)
    assert verdict == ("ok", login["session_key"], None, 0)
    assert network.leased() == []
    assert network.session(login["session_key"])["state"] == "authorised"


# Session limit --------------------------------------------------------------------------------------------------


def test_authorised_sessions_do_not_count(network, cursor):
    subscriber = network.subscriber()
    verdicts = admit(cursor, *[request(subscriber, session_limit=1, nas_port=n, candidate_1=f"10.0.8.{n}")
                               for n in (1, 2)])
    assert [v.reason for v in verdicts] == ["ok", "ok"]


def test_active_sessions_count(network, cursor):
    subscriber = network.subscriber()
    first = request(subscriber, session_limit=1, nas_port=1, candidate_1="10.0.8.1")
    admit(cursor, first)
    network.start(first["session_key"])
    second = request(subscriber, session_limit=1, nas_port=2, candidate_1="10.0.8.2")
    verdict, = admit(cursor, second)
    assert verdict == ("session_limit", None, None, 0)
    assert network.session(second["session_key"]) is None
    assert network.leased() == ["10.0.8.1"]
    assert admit(cursor, dict(second, session_limit=2))[0].reason == "ok"


def test_a_closed_session_does_not_count(network, cursor):
    subscriber = network.subscriber()
    first = request(subscriber, nas_port=1, candidate_1="10.0.8.1")
    admit(cursor, first)
    network.run("update poprad.session set state = 'closed'")
    assert admit(cursor, request(subscriber, session_limit=1, nas_port=2, candidate_1="10.0.8.2"))[0].reason == "ok"


def test_a_replaced_session_does_not_count_for_those_behind_in_the_batch(network, cursor):
    subscriber = network.subscriber()
    old = request(subscriber, nas_port=1, candidate_1="10.0.8.1")
    admit(cursor, old)
    network.start(old["session_key"])

    def on_port(port):
        return request(subscriber, session_limit=1, nas_port=port, candidate_1=f"10.0.8.{port + 1}")

    verdicts = admit(cursor, on_port(2), on_port(1), on_port(3))
    assert [v.reason for v in verdicts] == ["session_limit", "ok", "ok"]
    assert verdicts[1].address == "10.0.8.1"


def test_asking_alone_checks_the_limit_and_keeps_nothing(network, cursor):
    subscriber = network.subscriber()
    question = request(subscriber, wants_address=False, session_limit=1, nas_port=2, candidate_1="10.0.8.2")
    assert admit(cursor, question) == [("ok", None, None, 0)]
    assert (network.session_count(), network.leased()) == (0, [])
    login = request(subscriber, nas_port=1, candidate_1="10.0.8.1")
    admit(cursor, login)
    network.start(login["session_key"])
    assert admit(cursor, question)[0].reason == "session_limit"
    on_its_line = dict(question, nas_port=1)
    assert admit(cursor, on_its_line)[0].reason == "ok"
    assert network.session(login["session_key"])["state"] == "active"


# The same line --------------------------------------------------------------------------------------------------

LINE = {"nas_port": 1, "calling_station_id": "555-0100"}


def test_a_second_login_on_the_line_is_answered_with_the_first_ones_session(network, cursor):
    subscriber = network.subscriber()
    first = request(subscriber, candidate_1="10.0.8.1", **LINE)
    second = request(subscriber, candidate_1="10.0.8.2", **LINE)
    admit(cursor, first)
    network.run("""update poprad.session set authorised_at = now() - interval '50 s',
                   authorised_until = now() + interval '10 s'""")
    for _ in range(2):  # and a repeat of it, too
        verdict, = admit(cursor, second)
        assert (verdict.reason, verdict.session_key, verdict.address) == ("ok", first["session_key"], "10.0.8.1")
    assert network.session_count() == 1
    assert network.leased() == ["10.0.8.1"]
    assert network.one("""select authorised_at = authorised_until - interval '60 s'
                          and authorised_until > now() + interval '30 s' from poprad.session""")


def test_a_repeat_of_the_second_login_after_the_start_replaces_nothing(network, cursor):
    subscriber = network.subscriber()
    first, second = [request(subscriber, candidate_1="10.0.8.1", **LINE) for _ in range(2)]
    admit(cursor, first)
    admit(cursor, second)
    network.start(first["session_key"])
    verdict, = admit(cursor, second)
    assert (verdict.reason, verdict.session_key, verdict.address) == ("ok", first["session_key"], "10.0.8.1")
    assert network.session(first["session_key"])["state"] == "active"


def test_two_logins_on_the_line_in_one_batch_share_a_session(network, cursor):
    subscriber = network.subscriber()
    first = request(subscriber, candidate_1="10.0.8.1", **LINE)
    second = request(subscriber, candidate_1="10.0.8.2", **LINE)
    verdicts = admit(cursor, first, second)
    assert [(v.reason, v.session_key, v.address) for v in verdicts] == [("ok", first["session_key"], "10.0.8.1")] * 2


def test_an_active_session_on_the_line_is_replaced_and_its_address_passes(network, cursor):
    subscriber = network.subscriber()
    old = request(subscriber, candidate_1="10.0.8.1", session_limit=1, **LINE)
    admit(cursor, old)
    network.start(old["session_key"])
    new = request(subscriber, candidate_1="10.0.8.2", session_limit=1, **LINE)
    verdict, = admit(cursor, new)
    assert verdict == ("ok", new["session_key"], "10.0.8.1", 0)
    closed = network.session(old["session_key"])
    assert (closed["state"], closed["terminate_cause"], closed["cause_rank"], closed["flags"]) == (
        "closed", "Lost-Carrier", 2, ["replaced_line"])
    assert closed["stopped_at"] is not None and closed["closed_at"] is not None
    assert network.leased() == ["10.0.8.1"]
    assert admit(cursor, new)[0][:3] == ("ok", new["session_key"], "10.0.8.1")
    assert not double_leases(network.cursor)


def test_a_replaced_session_of_another_pool_gives_its_address_back(network, cursor):
    subscriber = network.subscriber()
    old = request(subscriber, candidate_1="10.0.8.1", **LINE)
    admit(cursor, old)
    network.start(old["session_key"])
    network.pool("other", "10.0.9.0/30")
    verdict, = admit(cursor, request(subscriber, pool_id=2, candidate_1="10.0.9.1", **LINE))
    assert (verdict.reason, verdict.address) == ("ok", "10.0.9.1")
    assert network.leased() == ["10.0.9.1"]


def test_a_reused_session_whose_plan_has_changed_pool_moves(network, cursor):
    subscriber = network.subscriber()
    first = request(subscriber, candidate_1="10.0.8.1", **LINE)
    admit(cursor, first)
    network.pool("other", "10.0.9.0/30")
    verdict, = admit(cursor, request(subscriber, pool_id=2, candidate_1="10.0.9.1", **LINE))
    assert verdict == ("ok", first["session_key"], "10.0.9.1", 1)
    assert network.leased() == ["10.0.9.1"]
    assert network.session(first["session_key"])["address"] == "10.0.9.1"


@pytest.mark.parametrize("first, second, is_same", [
    ({"nas_port": 1}, {"nas_port": 1}, True),
    ({"nas_port": 1}, {"nas_port": 2}, False),
    ({}, {}, False),
    ({"nas_port": 1}, {}, False),
    ({"nas_port_id": "ge-0/1"}, {"nas_port_id": "ge-0/1"}, True),
    ({"nas_port_id": "ge-0/1", "nas_port": 0}, {"nas_port_id": "ge-0/2", "nas_port": 0}, False),
    ({"nas_port_id": "ether1", "nas_port": 15}, {"nas_port_id": "ether1", "nas_port": 16}, True),
    ({"nas_port": 1, "calling_station_id": "a"}, {"nas_port": 1, "calling_station_id": "b"}, False),
    ({"nas_port": 1, "calling_station_id": "a"}, {"nas_port": 1}, False),
    ({"nas_port": 1, "nas_address": "10.0.3.1"}, {"nas_port": 1, "nas_address": "10.0.3.2"}, False),
    ({"nas_port": 1, "nas_identifier": "a"}, {"nas_port": 1, "nas_identifier": "b"}, False),
    ({"nas_port": 1, "nas_ip_address": "10.0.3.7"}, {"nas_port": 1, "nas_ip_address": "10.0.3.8"}, False),
    ({"nas_port": 1, "nas_id": 1}, {"nas_port": 1, "nas_id": 2}, False),
])
def test_what_the_same_line_is(network, cursor, first, second, is_same):
    subscriber = network.subscriber()
    verdicts = [admit(cursor, request(subscriber, candidate_1=address, **line))[0]
                for address, line in (("10.0.8.1", first), ("10.0.8.2", second))]
    assert (verdicts[0].session_key == verdicts[1].session_key) == is_same
    assert network.leased() == (["10.0.8.1"] if is_same else ["10.0.8.1", "10.0.8.2"])


def test_the_line_of_another_subscriber_is_left_alone(network, cursor):
    one, other = network.subscribers(2)
    admit(cursor, request(one, candidate_1="10.0.8.1", **LINE))
    admit(cursor, request(other, candidate_1="10.0.8.2", **LINE))
    assert network.leased() == ["10.0.8.1", "10.0.8.2"]


# Authorised sessions that are too many ------------------------------------------------------------------------


def test_the_oldest_authorised_session_goes(network, cursor):
    subscriber = network.subscriber()
    logins = [request(subscriber, nas_port=n, candidate_1=f"10.0.8.{n}", authorised_max=4) for n in range(1, 6)]
    for login in logins:
        assert admit(cursor, login)[0].reason == "ok"
    assert network.leased() == [f"10.0.8.{n}" for n in range(2, 6)]
    closed = network.session(logins[0]["session_key"])
    assert (closed["state"], closed["terminate_cause"], closed["cause_rank"], closed["authorised_until"]) == (
        "closed", "Never-Started", 1, None)


def test_the_oldest_goes_within_a_batch_too(network, cursor):
    subscriber = network.subscriber()
    verdicts = admit(cursor, *[request(subscriber, nas_port=n, candidate_1=f"10.0.8.{n}", authorised_max=2)
                               for n in range(1, 6)])
    assert [v.reason for v in verdicts] == ["ok"] * 5
    assert network.one("select count(*) from poprad.session where state = 'authorised'") == 2
    assert len(network.leased()) == 2
    assert not double_leases(network.cursor)


def test_active_sessions_are_not_among_the_authorised(network, cursor):
    subscriber = network.subscriber()
    for n in range(1, 4):
        login = request(subscriber, nas_port=n, candidate_1=f"10.0.8.{n}", authorised_max=1)
        admit(cursor, login)
        network.start(login["session_key"])
    admit(cursor, request(subscriber, nas_port=9, candidate_1="10.0.8.9", authorised_max=1))
    assert len(network.leased()) == 4


# Static addresses ---------------------------------------------------------------------------------------------


def static(network):
    return {"subscriber_id": network.subscriber(static_address="10.0.4.10"), "static_address": "10.0.4.10"}


def test_a_static_address_is_leased_beside_every_pool(network, cursor):
    login = request(**static(network), candidate_1="10.0.8.1")
    assert admit(cursor, login) == [("ok", login["session_key"], "10.0.4.10", 0)]
    assert network.holder("10.0.4.10") == login["session_key"]
    assert network.one("select last_address from poprad.subscriber_state") is None


def test_a_static_address_moves_from_an_authorised_session(network, cursor):
    his = static(network)
    first, second = request(**his, nas_port=1), request(**his, nas_port=2)
    admit(cursor, first)
    assert admit(cursor, second)[0][:3] == ("ok", second["session_key"], "10.0.4.10")
    assert network.holder("10.0.4.10") == second["session_key"]


def test_a_static_address_of_an_active_session_elsewhere_is_refused_whatever_the_limit(network, cursor):
    his = static(network)
    first = request(**his, nas_port=1)
    admit(cursor, first)
    network.start(first["session_key"])
    for limit in (0, 1, 5):
        assert admit(cursor, request(**his, nas_port=2, session_limit=limit)) == [
            ("static_address_in_use", None, None, 0)]
    assert network.holder("10.0.4.10") == first["session_key"]


def test_a_static_address_of_an_active_session_on_the_same_line_passes(network, cursor):
    his = static(network)
    first, second = request(**his, **LINE), request(**his, **LINE)
    admit(cursor, first)
    network.start(first["session_key"])
    assert admit(cursor, second)[0][:3] == ("ok", second["session_key"], "10.0.4.10")
    assert network.session(first["session_key"])["state"] == "closed"
    assert network.holder("10.0.4.10") == second["session_key"]


def test_the_static_logins_of_a_batch_follow_each_other(network, cursor):
    his = static(network)
    logins = [request(**his, nas_port=n) for n in range(3)]
    assert [v.reason for v in admit(cursor, *logins)] == ["ok"] * 3
    assert network.holder("10.0.4.10") == logins[2]["session_key"]


def test_a_static_address_that_is_no_longer_his_is_not_given(network, cursor):
    login = request(**static(network))
    network.run("update poprad.subscriber set static_address = null")
    assert admit(cursor, login) == [None]
    network.subscriber(static_address="10.0.4.10")
    assert admit(cursor, login) == [None]


def test_a_subscriber_who_just_got_a_static_address_moves_to_it(network, cursor):
    subscriber = network.subscriber()
    first = request(subscriber, candidate_1="10.0.8.1", **LINE)
    admit(cursor, first)
    network.run("update poprad.subscriber set static_address = '10.0.4.10'")
    verdict, = admit(cursor, request(subscriber, static_address="10.0.4.10", **LINE))
    assert verdict == ("ok", first["session_key"], "10.0.4.10", 0)
    assert network.leased() == ["10.0.4.10"]


# NASes without accounting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("timeout_s, until", [(3600, 3600), (0, None)])
def test_a_nas_without_accounting_keeps_the_lease_until_session_timeout(network, cursor, timeout_s, until):
    login = request(network.subscriber(), candidate_1="10.0.8.1", no_accounting=True, session_timeout_s=timeout_s)
    admit(cursor, login)
    session = network.session(login["session_key"])
    left = session["authorised_until"] and (session["authorised_until"] - session["authorised_at"]).total_seconds()
    assert left == until


# Mixed --------------------------------------------------------------------------------------------------------


def test_a_mixed_batch_is_decided_row_by_row(network, cursor):
    limited, plain, guest, asker = network.subscribers(4)
    his = static(network)
    running = request(limited, nas_port=1, candidate_1="10.0.8.1")
    admit(cursor, running)
    network.start(running["session_key"])
    batch = [request(limited, nas_port=2, session_limit=1, candidate_1="10.0.8.2"),
             request(plain, candidate_1="10.0.8.2"),
             request(4711, candidate_1="10.0.8.3"),
             request(**his),
             request(guest, candidate_1="10.0.8.2"),
             running,
             request(asker, wants_address=False),
             request(guest, pool_id=0, nas_port=3)]
    assert [v and (v.reason, v.address) for v in admit(cursor, *batch)] == [
        ("session_limit", None), ("ok", "10.0.8.2"), None, ("ok", "10.0.4.10"), ("candidates_taken", None),
        ("ok", "10.0.8.1"), ("ok", None), ("ok", None)]
    assert network.leased() == ["10.0.4.10", "10.0.8.1", "10.0.8.2"]
    assert not double_leases(network.cursor)


def test_keys_need_not_be_in_order(network, cursor):
    keys = sorted((mint() for _ in range(8)), reverse=True)
    verdicts = admit(cursor, *[request(one, session_key=key, candidate_1=f"10.0.8.{n}") for n, (one, key) in
                               enumerate(zip(network.subscribers(8), keys))])
    assert [v.session_key for v in verdicts] == keys


# The calling station that is learned ------------------------------------------------------------------------------


def learned(network, subscriber):
    network.cursor.execute("select learned_calling_station from poprad.subscriber_policy where subscriber_id = %s", (subscriber,))
    return [station for station, in network.cursor.fetchall()]


def test_the_first_login_that_is_let_in_teaches_its_station(network, cursor):
    one, other = network.subscriber("one"), network.subscriber("other")
    batch = [request(one, candidate_1="10.0.8.1", nas_port=1, learned_station="a"),
             request(one, candidate_1="10.0.8.2", nas_port=2, learned_station="b"),
             request(other, candidate_1="10.0.8.3", nas_port=3),
             request(one, candidate_1="10.0.8.4", nas_port=4, learned_station="a")]
    assert [(v.reason, v.address) for v in admit(cursor, *batch)] == [
        ("ok", "10.0.8.1"), ("other_calling_station", None), ("ok", "10.0.8.3"), ("ok", "10.0.8.4")]
    assert (learned(network, one), learned(network, other)) == (["a"], [])
    assert network.one("select has_policy from poprad.subscriber where subscriber_id = %s", one)
    assert network.session_count() == 3 and network.leased() == ["10.0.8.1", "10.0.8.3", "10.0.8.4"]
    again = admit(cursor, *batch)
    assert [v.reason for v in again] == ["ok", "other_calling_station", "ok", "ok"]
    assert network.session_count() == 3 and learned(network, one) == ["a"]


def test_what_is_refused_teaches_nothing(network, cursor):
    one = network.subscriber("one")
    running = request(one, candidate_1="10.0.8.1", nas_port=1)
    admit(cursor, running)
    network.start(running["session_key"])
    refused = request(one, candidate_1="10.0.8.2", nas_port=2, session_limit=1, learned_station="b")
    outrun = request(one, candidate_1="10.0.8.1", nas_port=3, learned_station="b")
    assert [v.reason for v in admit(cursor, refused, outrun)] == ["session_limit", "candidates_taken"]
    assert learned(network, one) == []
    same = request(one, nas_port=1, learned_station="a")
    assert admit(cursor, same)[0].reason == "ok"
    assert learned(network, one) == ["a"]


def test_what_he_has_of_his_own_stays_when_a_station_is_learned(network, cursor):
    one = network.subscriber("one")
    network.run("insert into poprad.subscriber_policy (subscriber_id, session_limit) values (%s, 3)", one)
    admit(cursor, request(one, candidate_1="10.0.8.1", learned_station="a"))
    assert network.one("select session_limit from poprad.subscriber_policy") == 3
    assert learned(network, one) == ["a"]
