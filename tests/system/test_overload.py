# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""More comes than can be done, or the database stands still: nobody is rejected, nothing acknowledged is lost, and
popradctl status says what it is."""
import contextlib
import subprocess
import threading

from support.poprad import wait_for
from support.radius import *
from support.storm import Storm, check

SOURCES = [f"127.0.71.{host}" for host in range(1, 9)]


def add_subscribers(server, count):
    """count subscribers of a plan with a pool of their own; (login, password) of each."""
    server.ctl("pool", "add", "storm", "100.64.0.0/17")
    server.ctl("plan", "add", "storm", "--pool", "storm", "--sessions", "1")
    subscribers = [(f"storm-{number}@isp.example", f"password-{number}") for number in range(count)]
    path = server.directory / "subscribers.csv"
    path.write_text("login,password,plan\n" + "".join(f"{login},{password},storm\n" for login, password in subscribers))
    path.chmod(0o644)
    server.ctl("subscriber", "import", str(path))
    return subscribers


def verdict(server):
    return server.ctl_json("status")["verdict"]["name"]


@contextlib.contextmanager
def locked(server, table):
    """Somebody's psql that was left open with a lock on the table."""
    words = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", f"{server.directory}/postgresql/socket", "-d", "poprad",
             "-U", "postgres"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/") as psql:
        psql.stdin.write(f"begin;\nlock table {table} in exclusive mode;\n\\echo locked\n")
        psql.stdin.flush()
        assert psql.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            psql.stdin.close()


def test_a_storm_larger_than_every_queue_rejects_and_loses_nobody(make_server):
    server = make_server(requests_max=16, batch_max=4)
    count = 600
    storm = Storm(server, add_subscribers(server, count), SOURCES, count)
    storm.run()
    check(server, storm, count)
    assert server.counter("drop_requests_max") > 0


def test_a_lock_held_by_somebody_is_told_and_costs_no_record(make_server, make_client):
    server = make_server()
    client = make_client(server)
    data = client.accounting_request([(ACCT_STATUS_TYPE, START), (ACCT_SESSION_ID, "locked"), (USER_NAME, "locked")])
    answers = []
    sender = threading.Thread(target=lambda: answers.append(client.exchange(data, server.acct_port, seconds=100)))
    with locked(server, "poprad.session"):
        sender.start()
        wait_for(lambda: verdict(server) == "database_blocked", "the status to name the database")
        wait_for(lambda: server.counter("batch_timeouts") > 0, "a batch to be broken off")
        wait_for(lambda: answers, "the record to be answered, from the spool")
        assert "pg_stat_activity" in server.ctl("status")
    sender.join()
    assert answers[0].code == ACCOUNTING_RESPONSE
    server.wait_for_spool()
    assert server.value("select count(*) from radius.radacct where acctsessionid = 'locked'") == "1"
    wait_for(lambda: verdict(server) == "fine", "the status to be fine again")


def test_the_status_tells_of_each_lane(make_server, make_client):
    server = make_server()
    client = make_client(server)
    for number in range(20):
        data = client.accounting_request([(ACCT_STATUS_TYPE, START), (ACCT_SESSION_ID, f"{number}"), (USER_NAME, "x")])
        assert client.exchange(data, server.acct_port).code == ACCOUNTING_RESPONSE

    def lane():
        """The accounting lane of the worker that this client's packets reach."""
        lanes = [worker["recent"]["lanes"]["accounting"] for worker in server.ctl_json("status")["workers"]]
        return max(lanes, key=lambda one: one["requests"])
    one = wait_for(lambda: lane()["requests"] >= 20 and lane(), "the requests to be told of")
    assert one["is_up"] and one["batches"] > 0 and one["queue_peak"] >= 0
    assert one["rows"]["mean"] >= 1 and 0 < one["round_us"]["p50"] <= one["round_us"]["p99"] <= one["round_us"]["max"]
    counters = server.ctl_json("status")
    assert sum(worker["distributions"]["accounting_rows"]["sum"] for worker in counters["workers"]) >= 20
    wait_for(lambda: server.counter("loop_run_us") > 0, "the loops' time to be told of")
    text = server.ctl("status")
    assert "Nothing holds requests up." in text and "accounting" in text

    server.stop_database()
    wait_for(lambda: verdict(server) == "database_away", "the status to name the database")
    assert "The database is away" in server.ctl("status")
