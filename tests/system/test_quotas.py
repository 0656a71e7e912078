# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Quotas with the real programs: records use them up, logins are cut and refused, and popradctl says why."""

import pytest

from support.poprad import Poprad, wait_for
from support.radius import Client

REFUSED, USAGE = 1, 2
ACCEPT, REJECT = 2, 3
SESSION_TIMEOUT, REPLY_MESSAGE = 27, 18
ACCT_INPUT, ACCT_OUTPUT, ACCT_SESSION_TIME = 42, 43, 46
MIKROTIK, TOTAL_LIMIT, TOTAL_GIGAWORDS = 14988, 17, 18
START, STOP, INTERIM = 1, 2, 3
NAS_PORT, CLASS = 5, 25


@pytest.fixture(scope="module")
def server():
    instance = Poprad()
    try:
        instance.create_database()
        instance.ctl("nas", "add", "tik", "127.0.8.0/24", "--secret", "testing123", "--kind", "mikrotik")
        instance.ctl("plan", "add", "slow", "--session-timeout", "77")
        instance.start()
        yield instance
    finally:
        instance.close()


@pytest.fixture
def client(server):
    made = Client(server, source="127.0.8.1")
    yield made
    made.close()


def subscriber(server, name, *options, plan_options=()):
    login = f"{name}@isp.example"
    server.ctl("plan", "add", name, *plan_options)
    server.ctl("subscriber", "add", login, "--password", "let-me-in", "--plan", name, *options)
    return login


def volume(reply):
    """How many octets the session may have."""
    limits = {value[4]: int.from_bytes(value[6:], "big") for value in reply.all(26) if value[:4] == MIKROTIK.to_bytes(4, "big")}
    assert set(limits) <= {TOTAL_LIMIT, TOTAL_GIGAWORDS}
    return limits.get(TOTAL_GIGAWORDS, 0) << 32 | limits[TOTAL_LIMIT]


def use(client, login, name, seconds, octets_in=0, octets_out=0):
    """A session of the last seconds."""
    client.account(STOP, name, login, [(ACCT_SESSION_TIME, seconds), (ACCT_INPUT, octets_in), (ACCT_OUTPUT, octets_out)])


def test_a_volume_is_used_up(server, client):
    login = subscriber(server, "metered", plan_options=("--quota-month-volume", "6G"))
    assert volume(client.login(login, "let-me-in")) == 6 * 10**9
    use(client, login, "a", 1, 4 * 10**9, 1999999990)
    assert volume(client.login(login, "let-me-in")) == 10
    assert "Mikrotik-Total-Limit = 10" in server.ctl("filter", "preview", login, "--nas", "tik").splitlines()
    use(client, login, "b", 1, 0, 10)
    refused = client.login(login, "let-me-in")
    assert (refused.code, refused.text(REPLY_MESSAGE)) == (REJECT, "Quota used up")
    assert server.counter("reject_quota_used_up") == 1
    why = server.ctl("why", login)
    assert "Quota of the month: 6.00 GB of 6.00 GB used; full again at " in why
    assert "The subscriber has used up a quota" in why
    shown = server.ctl_json("subscriber", "show", login)["quotas"]
    assert [(quota["period"], quota["what"], quota["quota"], quota["used"]) for quota in shown] == [
        ("month", "octets", 6 * 10**9, 6 * 10**9)]
    server.ctl("subscriber", "set", login, "--quota-month-volume", "7G")
    assert volume(client.login(login, "let-me-in")) == 10**9


def test_time_and_the_walled_garden(server, client):
    login = subscriber(server, "evening", "--quota-day-time", "30s", plan_options=("--exhausted", "slow"))
    timeout = client.login(login, "let-me-in").number(SESSION_TIMEOUT)
    assert 0 < timeout <= 60  # 30 s, or what the day still has and 30 s
    use(client, login, "c", 1)
    assert client.login(login, "let-me-in").code == ACCEPT
    server.ctl("subscriber", "set", login, "--quota-day-time", "1s")
    garden = client.login(login, "let-me-in")
    if garden.all(SESSION_TIMEOUT) != [(77).to_bytes(4, "big")]:  # midnight has come in between
        use(client, login, "d", 1)
        garden = client.login(login, "let-me-in")
    assert (garden.code, garden.number(SESSION_TIMEOUT)) == (ACCEPT, 77)
    assert "Let in with plan slow until then, and nothing of his own." in server.ctl("why", login)


def test_a_session_is_flagged_by_the_record_that_shows_it(server, client):
    login = subscriber(server, "watched", plan_options=("--quota-day-volume", "1G", "--sessions", "1"))
    flagged = server.counter("sessions_over_quota")
    reply = client.login(login, "let-me-in", [(NAS_PORT, 7)])
    common = [(CLASS, reply.one(CLASS)), (NAS_PORT, 7)]
    client.account(START, "w", login, common)

    def interim(octets):
        client.account(INTERIM, "w", login, [*common, (ACCT_SESSION_TIME, 60), (ACCT_OUTPUT, octets)])
        return [row["user_name"] for row in server.ctl_json("session", "list", "--flag", "over_quota")]
    assert interim(999_999_999) == []
    assert interim(1_000_000_001) == [login]
    assert "(over_quota)" in server.ctl("why", login)
    wait_for(lambda: server.counter("sessions_over_quota") == flagged + 1, "the counter")
    server.ctl("subscriber", "set", login, "--quota-day-volume", "2G")
    assert interim(1_000_000_002) == []


def test_a_quota_that_is_entered_counts_from_the_next_login(server, client):
    login = subscriber(server, "later")
    use(client, login, "e", 5, 100, 100)
    assert client.login(login, "let-me-in").all(SESSION_TIMEOUT) == []
    server.ctl("plan", "set", "later", "--quota-month-time", "5s")
    wait_for(lambda: client.login(login, "let-me-in").code == REJECT, "the quota")
    server.ctl("plan", "set", "later", "--quota-month-time", "0")
    wait_for(lambda: client.login(login, "let-me-in").code == ACCEPT, "no quota")


def test_prepaid(server, client):
    login = subscriber(server, "voucher", plan_options=("--prepaid", "yes"))
    assert client.login(login, "let-me-in").code == REJECT
    assert "Prepaid, and nothing has been bought yet." in server.ctl("why", login)
    server.ctl("subscriber", "topup", login, "--volume", "5G", "--time", "10h", "--reason", "voucher 17")
    use(client, login, "p", 3600, 2 * 10**9, 10**9)
    reply = client.login(login, "let-me-in")
    assert (volume(reply), reply.number(SESSION_TIMEOUT)) == (2 * 10**9, 9 * 3600)
    assert server.ctl_json("subscriber", "show", login)["prepaid_left"] == {"seconds": 9 * 3600, "octets": 2 * 10**9}
    why = server.ctl("why", login)
    assert "Prepaid time: 9 h 00 min left." in why and "Prepaid volume: 2.00 GB left." in why
    use(client, login, "q", 1, 0, 3 * 10**9)
    assert client.login(login, "let-me-in").text(REPLY_MESSAGE) == "Quota used up"
    server.ctl("subscriber", "topup", login, "--volume", "2G", "--reason", "voucher 18")
    assert volume(client.login(login, "let-me-in")) == 10**9
    ledger = [(entry["seconds"], entry["octets"], entry["reason"]) for entry in server.ctl_json("subscriber", "topups", login)]
    assert ledger == [(36000, 5 * 10**9, "voucher 17"), (0, 2 * 10**9, "voucher 18")]
    for words in ((), ("--time", "1h"), ("--reason", "x")):
        assert server.run("subscriber", "topup", login, *words)[0] == USAGE
    assert server.run("subscriber", "topup", "x" + login, "--time", "1h", "--reason", "x")[0] == REFUSED
    assert server.run("subscriber", "topup", login, "--time", "0", "--reason", "x")[0] == REFUSED


def test_what_is_entered_is_shown_and_checked(server):
    login = subscriber(server, "shown", "--quota-counts", "in", plan_options=(
        "--quota-day-time", "4h", "--quota-month-volume", "50G", "--quota-counts", "out", "--exhausted", "slow"))
    plan = server.ctl_json("plan", "show", "shown")
    assert [plan[name] for name in ("quota_day_s", "quota_day_octets", "quota_month_s", "quota_month_octets", "quota_counts",
                                    "exhausted")] == [14400, 0, 0, 50 * 10**9, "out", "slow"]
    assert server.ctl_json("subscriber", "show", login)["quota_counts"] == "in"
    server.ctl("subscriber", "set", login, "--quota-counts", "none")
    assert server.ctl_json("subscriber", "show", login)["quota_counts"] is None
    for words, part in (
            (("plan", "set", "shown", "--quota-day-volume", "5X"), "is no number of octets"),
            (("plan", "set", "shown", "--quota-day-volume", "-5"), "is no number of octets"),
            (("plan", "set", "shown", "--quota-day-volume", "10000000T"), "is larger than anybody can use"),
            (("plan", "set", "shown", "--quota-counts", "all"), "both|in|out")):
        status, _, errors = server.run(*words)
        assert status == USAGE and part in errors, errors
    status, _, errors = server.run("plan", "set", "slow", "--exhausted", "slow")
    assert status == REFUSED and "are let in with another plan" in errors
    status, _, errors = server.run("plan", "remove", "slow")
    assert status == REFUSED and "whose quota is used up" in errors
