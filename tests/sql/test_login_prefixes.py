# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""IPv6 prefixes that belong to subscribers: who may be given which, and what admit() makes of them."""

import psycopg2
import pytest

from support.login import Network, admit, double_leases, request

LINE = {"nas_port": 1, "calling_station_id": "555-0100"}
FRAMED, DELEGATED = "2001:db8:0:1::/64", "2001:db8:1:100::/56"


@pytest.fixture
def network(database):
    return Network(database)


@pytest.fixture
def cursor(database):
    return database.connect("poprad_server").cursor()


def static(network, **columns):
    """A subscriber with both prefixes, as the server asks for him."""
    subscriber = network.subscriber(framed_ipv6_prefix=FRAMED, delegated_ipv6_prefix=DELEGATED, **columns)
    return {"subscriber_id": subscriber, "framed_prefix": FRAMED, "delegated_prefix": DELEGATED}


def leased(network):
    network.run("select format('%%s', address) from poprad.address where session_key is not null order by address")
    return [address for address, in network.cursor.fetchall()]


# Who may have which -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns, sentence", [
    ({"framed_ipv6_prefix": FRAMED}, "2001:db8:0:1::/64 overlaps 2001:db8:0:1::/64, which is that of owner"),
    ({"delegated_ipv6_prefix": FRAMED}, "which is that of owner"),
    ({"delegated_ipv6_prefix": "2001:db8:1::/48"}, "overlaps 2001:db8:1:100::/56, which is that of owner"),
    ({"framed_ipv6_prefix": "2001:db8:1:1ff::/64"}, "overlaps 2001:db8:1:100::/56, which is that of owner"),
    ({"static_address": "2001:db8:0:1::7"}, "2001:db8:0:1::7 overlaps 2001:db8:0:1::/64, which is that of owner"),
    ({"framed_ipv6_prefix": "2001:db8:2:3::/64"}, "overlaps 2001:db8:2:3::9, which is that of owner's friend"),
    ({"framed_ipv6_prefix": "2001:db8:ffff::/112"}, "overlaps 2001:db8:ffff::/112 of pool six"),
    ({"framed_ipv6_prefix": "ff02::/64"}, "no subscriber can have ff02::/64"),
    ({"framed_ipv6_prefix": "fe80::/64"}, "no subscriber can have fe80::/64"),
    ({"framed_ipv6_prefix": "10.0.0.0/24"}, "subscriber_framed_ipv6_prefix_check"),
    ({"framed_ipv6_prefix": "2001:db8:3::/48", "delegated_ipv6_prefix": "2001:db8:3:1::/64"}, "subscriber_prefixes_check"),
])
def test_no_prefix_lies_in_anothers(network, columns, sentence):
    network.run("select poprad.pool_add('six', '2001:db8:ffff::/112', null, true)")
    static(network, login="owner")
    network.subscriber(login="owner's friend", static_address="2001:db8:2:3::9")
    with pytest.raises(psycopg2.Error) as refused:
        network.subscriber(**columns)
    # the index of one column refuses the same prefix before the check does
    assert sentence in str(refused.value) or "subscriber_framed_ipv6_prefix_key" in str(refused.value)


def test_neighbours_and_an_address_of_his_own_are_no_overlap(network):
    static(network, static_address="2001:db8:0:1::7")
    network.subscriber(framed_ipv6_prefix="2001:db8:0:2::/64", delegated_ipv6_prefix="2001:db8:1:200::/56")
    network.subscriber(static_address="2001:db8::1")


def test_rows_of_one_statement_are_compared_too(network):
    with pytest.raises(psycopg2.Error, match="overlaps 2001:db8:5"):
        network.run("""insert into poprad.subscriber (login, plan_id, password, delegated_ipv6_prefix)
                       values ('one', 1, 'x', '2001:db8:5::/48'), ('two', 1, 'x', '2001:db8:5:1::/64')""")


def test_a_prefix_has_a_row_as_long_as_it_is_somebodys(network):
    subscriber = static(network)["subscriber_id"]
    rows = "select array_agg(format('%%s', address) order by address) from poprad.address where is_static"
    assert network.one(rows) == [FRAMED, DELEGATED]
    network.run("update poprad.subscriber set framed_ipv6_prefix = '2001:db8:0:9::/64', static_address = '10.0.4.9'")
    assert network.one(rows) == ["10.0.4.9", "2001:db8:0:9::/64", DELEGATED]
    network.subscriber(framed_ipv6_prefix=FRAMED)
    network.run("delete from poprad.subscriber where subscriber_id = %s", subscriber)
    assert network.one(rows) == [FRAMED]


def test_prefixes_change_places_between_columns_and_subscribers(network):
    one = network.subscriber(framed_ipv6_prefix="2001:db8:0:1::/64", delegated_ipv6_prefix="2001:db8:0:2::/64")
    network.run("update poprad.subscriber set framed_ipv6_prefix = delegated_ipv6_prefix, "
                "delegated_ipv6_prefix = framed_ipv6_prefix where subscriber_id = %s", one)
    assert network.one("select count(*) from poprad.address where is_static") == 2


def test_no_range_is_added_over_a_prefix(network):
    static(network, login="owner")
    with pytest.raises(psycopg2.Error, match="overlaps the prefix 2001:db8:0:1::/64 of owner"):
        network.run("select poprad.pool_add('six', '2001:db8:0:1::/112', null, true)")


# Logins -------------------------------------------------------------------------------------------------------


def test_static_prefixes_are_leased_beside_an_address(network, cursor):
    login = request(**static(network), candidate_1="10.0.8.1")
    verdict, = admit(cursor, login)
    assert (verdict, verdict.prefixes) == (("ok", login["session_key"], "10.0.8.1", 1), (FRAMED, DELEGATED))
    session = network.session(login["session_key"])
    assert (session["leased_framed_prefix"], session["leased_delegated_prefix"]) == (FRAMED, DELEGATED)
    assert leased(network) == ["10.0.8.1", FRAMED, DELEGATED]
    again, = admit(cursor, login)
    assert (again[:3], again.prefixes) == (verdict[:3], verdict.prefixes)
    assert not double_leases(network.cursor)


def test_who_has_none_gets_none_in_the_same_batch(network, cursor):
    his, other = request(**static(network), candidate_1="10.0.8.1"), request(network.subscriber(), candidate_1="10.0.8.2")
    assert [v.prefixes for v in admit(cursor, other, his)] == [(None, None), (FRAMED, DELEGATED)]


def test_they_move_from_an_authorised_session(network, cursor):
    his = static(network)
    first, second = request(**his, nas_port=1, pool_id=0), request(**his, nas_port=2, pool_id=0)
    admit(cursor, first)
    verdict, = admit(cursor, second)
    assert (verdict.reason, verdict.prefixes) == ("ok", (FRAMED, DELEGATED))
    assert network.holder(FRAMED) == network.holder(DELEGATED) == second["session_key"]


@pytest.mark.parametrize("lost", [FRAMED, DELEGATED])
def test_of_an_active_session_elsewhere_they_are_refused_whatever_the_limit(network, cursor, lost):
    his = static(network)
    first = request(**his, nas_port=1, pool_id=0)
    admit(cursor, first)
    network.start(first["session_key"])
    network.run("update poprad.address set session_key = null where address = %s", lost)
    for limit in (0, 1, 5):
        assert admit(cursor, request(**his, nas_port=2, session_limit=limit, candidate_1="10.0.8.1")) == [
            ("static_prefix_in_use", None, None, 0)]
    assert len(leased(network)) == 1
    # for the service of a command line no prefix is asked for
    assert admit(cursor, request(his["subscriber_id"], nas_port=3, wants_address=False))[0].reason == "ok"


def test_of_an_active_session_on_the_same_line_they_pass(network, cursor):
    his = static(network)
    first, second = request(**his, **LINE, pool_id=0), request(**his, **LINE, pool_id=0)
    admit(cursor, first)
    network.start(first["session_key"])
    assert admit(cursor, second)[0].prefixes == (FRAMED, DELEGATED)
    assert network.session(first["session_key"])["state"] == "closed"
    assert network.holder(FRAMED) == network.holder(DELEGATED) == second["session_key"]
    assert not double_leases(network.cursor)


def test_the_logins_of_a_batch_follow_each_other(network, cursor):
    his = static(network)
    logins = [request(**his, nas_port=n, pool_id=0) for n in range(3)]
    assert [v.reason for v in admit(cursor, *logins)] == ["ok"] * 3
    assert network.holder(FRAMED) == network.holder(DELEGATED) == logins[2]["session_key"]
    assert len(leased(network)) == 2


def test_what_is_no_longer_his_is_not_given(network, cursor):
    his = static(network)
    network.run("update poprad.subscriber set framed_ipv6_prefix = null")
    assert admit(cursor, request(**his, pool_id=0)) == [None]
    network.subscriber(framed_ipv6_prefix=FRAMED)
    assert admit(cursor, request(**his, pool_id=0)) == [None]
    his["framed_prefix"] = None
    assert admit(cursor, request(**his, pool_id=0))[0].prefixes == (None, DELEGATED)


def test_who_has_just_lost_one_does_not_keep_it_on_his_line(network, cursor):
    his = static(network)
    first = request(**his, **LINE, pool_id=0)
    admit(cursor, first)
    network.run("update poprad.subscriber set framed_ipv6_prefix = null")
    verdict, = admit(cursor, request(his["subscriber_id"], delegated_prefix=DELEGATED, **LINE, pool_id=0))
    assert (verdict.session_key, verdict.prefixes) == (first["session_key"], (None, DELEGATED))
    assert leased(network) == [DELEGATED]
    assert network.session(first["session_key"])["leased_framed_prefix"] is None


def test_without_an_address_of_the_pool_no_prefix_is_kept(network, cursor):
    network.run("update poprad.address set session_key = gen_random_uuid() where pool_id is not null")
    his = static(network)
    for search, reason in ((False, "candidates_taken"), (True, "pool_exhausted")):
        assert admit(cursor, request(**his, search=search))[0].reason == reason
        assert network.holder(FRAMED) is None and network.holder(DELEGATED) is None
    # those of a session that waits for its Start on that line stay its own
    network.run("update poprad.address set session_key = null where address = '10.0.8.1'")
    first = request(**his, **LINE, candidate_1="10.0.8.1")
    admit(cursor, first)
    assert admit(cursor, request(**his, nas_port=2, search=True))[0].reason == "pool_exhausted"
    assert admit(cursor, request(**his, **LINE, search=True))[0].prefixes == (FRAMED, DELEGATED)
    assert network.holder(FRAMED) == network.holder(DELEGATED) == first["session_key"]


def test_evicted_sessions_give_theirs_back(network, cursor):
    his = static(network)
    first = request(**his, nas_port=1, pool_id=0)
    admit(cursor, first)
    network.run("update poprad.subscriber set framed_ipv6_prefix = null, delegated_ipv6_prefix = null")
    assert admit(cursor, request(his["subscriber_id"], nas_port=2, pool_id=0, authorised_max=1))[0].reason == "ok"
    assert network.session(first["session_key"])["state"] == "closed"
    assert leased(network) == []


def test_an_operator_gives_them_back(network, cursor):
    login = request(**static(network), pool_id=0)
    admit(cursor, login)
    with pytest.raises(psycopg2.Error, match="is leased to"):
        network.run("update poprad.subscriber set framed_ipv6_prefix = null, delegated_ipv6_prefix = null")
        network.subscriber(framed_ipv6_prefix=FRAMED)
    network.run("select poprad.session_close(%s, 'Admin-Reset')", login["session_key"])
    assert leased(network) == []
