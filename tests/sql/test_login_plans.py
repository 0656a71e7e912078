# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Plans made while the tables were known to be empty must still be right when they have grown: a connection keeps its
plans, and a new provider's first evening is when it matters. Counted in rows read, not in time."""

import pytest

from support.login import Network, admit, mint, request, rows_read

MANY = 5000
BATCH = 40


@pytest.fixture
def network(database):
    """Grown after the server has planned every statement on empty, analysed tables."""
    made = Network(database)
    made.run("analyze")
    server = database.connect("poprad_server", autocommit=False)
    made.server = server.cursor()
    made.server.execute("select * from poprad.find(array['nobody'])")
    for _ in range(2):
        admit(made.server, request(1, candidate_1="10.0.8.1"), request(1, nas_port=1, static_address="10.0.4.10"))
    made.server.execute("""select * from poprad.tick(array['n'], array[0], array[now() - interval '1 h'], array[now()],
                           array[3], array[3600])""")
    server.commit()
    first = made.subscriber()
    admit(made.server, *[request(first, nas_port=1, search=True), request(first, nas_port=1, search=True)])
    server.rollback()
    made.pool("big", "10.1.0.0/17")
    made.run("""insert into poprad.subscriber (login, plan_id, password, static_address)
                select 'line-' || i, 1, 'x', case when i %% 10 = 0 then '10.2.0.0'::inet + i end
                from generate_series(1, %s) i""", MANY)
    made.run("""insert into poprad.session (session_key, state, subscriber_id, nas_id, nas_address, nas_port, user_name,
                    address, authorised_at, started_at, last_heard)
                select gen_random_uuid(), 'active', subscriber_id, 1, '10.0.3.1', 1, login,
                    coalesce(static_address, '10.1.0.0'::inet + subscriber_id), now(), now(), now()
                from poprad.subscriber where login like 'line-%%' and subscriber_id %% 2 = 0""")
    made.run("update poprad.address a set session_key = s.session_key from poprad.session s where s.address = a.address")
    return made


def test_find_reads_its_subscribers_only(network):
    network.run("insert into poprad.subscriber_policy (subscriber_id, session_limit) select subscriber_id, 2 from poprad.subscriber")
    network.server.execute("select count(*) from poprad.find(%s)", ([f"line-{n}" for n in range(1, BATCH + 1)],))
    assert network.server.fetchone() == (BATCH,)
    assert rows_read(network.server) <= 4 * BATCH


@pytest.mark.parametrize("line", [1, 2], ids=["replacing", "beside"])
def test_admit_reads_its_subscribers_only(network, line):
    network.cursor.execute("""select subscriber_id, static_address from poprad.subscriber where login like 'line-%%'
                              order by subscriber_id limit %s""", (BATCH,))
    batch = [request(one, static_address=fixed, pool_id=2, nas_port=line, candidate_1=f"10.1.100.{n}")
             for n, (one, fixed) in enumerate(network.cursor.fetchall())]
    for _ in range(2):  # the second time the first one's sessions are found and reused
        before = rows_read(network.server)
        verdicts = admit(network.server, *[dict(login, session_key=mint()) for login in batch])
        assert {v.reason for v in verdicts} == {"ok"}
        assert rows_read(network.server) - before <= 30 * BATCH


def test_tick_reads_what_has_expired_and_a_part_of_the_others(network):
    network.run("""update poprad.session set state = 'authorised', authorised_at = now() - interval '2 min',
                   authorised_until = now() - interval '1 min'
                   where session_key in (select session_key from poprad.session order by session_key limit %s)""", BATCH)
    network.server.execute("""select expired from poprad.tick(array['n'], array[0], array[now() - interval '1 h'],
                              array[now()], array[3], array[3600])""")
    assert network.server.fetchone() == (BATCH,)
    assert rows_read(network.server) <= 3000 + 15 * BATCH


def test_a_sweep_reads_a_part_and_what_is_silent(network):
    network.run("update poprad.session set last_heard = now(), interim_s = 600")
    network.run("""update poprad.session set last_heard = now() - interval '1 h', session_time = 60
                   where session_key in (select session_key from poprad.session order by session_key limit %s)""", BATCH)
    network.server.execute("""select swept from poprad.tick(array['n'], array[0], array[now() - interval '1 h'],
                              array[now()], array[3], array[3600])""")
    assert network.server.fetchone() == (BATCH,)
    assert rows_read(network.server) <= 3000 + 15 * BATCH
