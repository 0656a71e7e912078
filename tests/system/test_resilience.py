# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The database is away, dies and comes back; a worker dies. The server goes on by itself, and nothing is lost or twofold."""
import os
import pathlib
import signal

import pytest

from support.poprad import WORKERS, wait_for
from support.radius import *
from support.storm import Storm, check, check_leases

SOURCES = [f"127.0.70.{host}" for host in range(1, 9)]


def add_subscribers(server, directory, count):
    """count subscribers of a plan with a pool of their own; (login, password) of each."""
    server.ctl("pool", "add", "storm", "100.64.0.0/17")
    server.ctl("plan", "add", "storm", "--pool", "storm", "--sessions", "1", "--interim", "10m")
    subscribers = [(f"storm-{number}@isp.example", f"password-{number}") for number in range(count)]
    path = directory / "subscribers.csv"
    path.write_text("login,password,plan\n" + "".join(f"{login},{password},storm\n" for login, password in subscribers))
    path.chmod(0o644)
    server.ctl("subscriber", "import", str(path))
    return subscribers


def wait_until_served(server, client, login, password):
    return wait_for(lambda: client.login(login, password, seconds=2), "the login to be answered")


def test_without_a_database_and_without_a_catalog_everything_is_dropped_until_it_comes(make_server, make_client):
    server = make_server(serving=False)
    server.stop_database()
    server.start()
    client = make_client(server)

    def is_dropped():
        client.send(client.pap("demo@isp.example", "dial-up"), server.auth_port)
        return server.counter("drop_no_catalog") > 0
    wait_for(is_dropped, "a request to be dropped for want of a catalog")
    assert client.receive(0) is None
    server.start_database()
    assert wait_until_served(server, client, "demo@isp.example", "dial-up").code == ACCESS_ACCEPT


def test_with_the_last_catalog_logins_are_dropped_and_never_rejected_until_the_database_comes(make_server, make_client):
    server = make_server()
    copy = pathlib.Path(server.options["state_dir"], "catalog.json")
    wait_for(copy.exists, "the first worker to keep its catalog; another one may serve before")
    server.stop()
    server.stop_database()
    server.start()
    client = make_client(server)
    data = client.pap("demo@isp.example", "dial-up")

    def is_dropped():
        client.send(data, server.auth_port)
        return server.counter("drop_database") + server.counter("drop_deadline") > 0
    wait_for(is_dropped, "a login to be dropped")
    assert client.receive(0) is None

    def is_silent():
        client.send(client.status_request(), server.auth_port)
        return server.counter("drop_not_serving") > 0
    wait_for(is_silent, "Status-Server to stay unanswered")
    assert client.receive(0) is None
    server.start_database()
    assert wait_until_served(server, client, "demo@isp.example", "dial-up").code == ACCESS_ACCEPT
    assert client.status(server.auth_port) is not None


def test_accounting_without_a_database_or_spool_is_not_acknowledged_until_it_is_stored(make_server, make_client):
    server = make_server(spool_limit=0)
    client = make_client(server)
    server.stop_database()
    data = client.accounting_request([(ACCT_STATUS_TYPE, START), (ACCT_SESSION_ID, "patient"), (USER_NAME, "patient")])
    drops = ("drop_database", "drop_deadline")

    def is_dropped():
        client.send(data, server.acct_port)
        return sum(server.counter(name) for name in drops) > 0
    wait_for(is_dropped, "accounting to be dropped")
    assert client.receive(0) is None
    server.start_database()
    assert client.exchange(data, server.acct_port, seconds=100).code == ACCOUNTING_RESPONSE
    assert server.value("select count(*) from radius.radacct where acctsessionid = 'patient'") == "1"


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_database_that_goes_away_under_load_costs_nothing(make_server, tmp_path, how):
    server = make_server()
    count = 1500
    storm = Storm(server, add_subscribers(server, server.directory, count), SOURCES, 200)
    storm.begin()
    for part in (0.2, 0.5):
        wait_for(lambda: len(storm.addresses) > part * count, "the storm to be under way")
        if how == "killed":
            server.kill_database()
        else:
            server.stop_database()
        failures = server.counter("database_failures")
        wait_for(lambda: server.counter("database_failures") > failures, "the server to try in vain")
        server.start_database()
    storm.join()
    check(server, storm, count)


def test_a_killed_worker_is_replaced_and_its_requests_are_answered(make_server):
    server = make_server()
    count = 1000
    storm = Storm(server, add_subscribers(server, server.directory, count), SOURCES, 100)
    storm.begin()
    wait_for(lambda: len(storm.addresses) > count / 4, "the storm to be under way")
    victim = server.worker_pids()[0]
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: victim not in server.worker_pids() and len(server.worker_pids()) == WORKERS, "the worker to be replaced")
    storm.join()
    check(server, storm, count)


def test_a_clean_stop_finishes_what_is_in_flight(make_server):
    """SIGTERM in the middle of a storm: exit code 0; after a start the rest is served."""
    server = make_server()
    count = 1000
    storm = Storm(server, add_subscribers(server, server.directory, count), SOURCES, 100)
    storm.begin()
    wait_for(lambda: len(storm.addresses) > count / 4, "the storm to be under way")
    server.stop()
    server.start()
    storm.join()
    check(server, storm, count)


def test_a_master_that_is_killed_takes_its_workers_along(make_server):
    server = make_server()
    server.kill()
    server.start()
    make_server.wait_until_serving(server)


def test_the_server_drops_its_privileges(server):
    if os.geteuid() != 0:
        pytest.skip("needs root to have privileges to drop")
    import pwd
    expected = pwd.getpwnam(server.user).pw_uid
    for pid in [server.process.pid, *server.worker_pids()]:
        assert os.stat(f"/proc/{pid}").st_uid == expected
