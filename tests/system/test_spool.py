# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Accounting while the database is away, frozen or behind: what was answered is in the database in the end, once."""
import os
import signal
import threading

import pytest

from support.disk import small_disk
from support.poprad import WORKERS, wait_for
from support.radius import *

SOURCES = [f"127.0.71.{host}" for host in range(1, 9)]
INTERIMS = 3


class Meter(threading.Thread):
    """A NAS that reports sessions, one packet after the other, each until it is answered."""

    def __init__(self, server, source):
        super().__init__(daemon=True)
        self.server, self.source = server, source
        self.is_stopping = threading.Event()
        self.acknowledged = {}  # session id -> (seconds, octets, is stopped) of the last packet that was answered
        self.count = 0

    def _report(self, client, session_id, status, seconds):
        pairs = [(ACCT_STATUS_TYPE, status), (ACCT_SESSION_ID, session_id), (USER_NAME, session_id),
                 (ACCT_SESSION_TIME, seconds), (ACCT_INPUT_OCTETS, 1000 * seconds)]
        data = client.accounting_request(pairs)
        while client.exchange(data, self.server.acct_port, seconds=2, every=1) is None:
            if self.is_stopping.is_set():
                return False
        self.acknowledged[session_id] = (seconds, 1000 * seconds, status == STOP)
        self.count += 1
        return True

    def run(self):
        client = Client(self.server, self.source)
        number = 0
        while not self.is_stopping.is_set():
            number += 1
            session_id = f"spool-{self.source}-{number}"
            for step, status in enumerate([START, *[INTERIM] * INTERIMS, STOP]):
                if not self._report(client, session_id, status, 60 * step):
                    break
        client.close()


class Meters:
    def __init__(self, server):
        self.server = server
        self.meters = [Meter(server, source) for source in SOURCES]

    def __enter__(self):
        for meter in self.meters:
            meter.start()
        return self

    def __exit__(self, *_):
        for meter in self.meters:
            meter.is_stopping.set()
        for meter in self.meters:
            meter.join()

    def count(self):
        return sum(meter.count for meter in self.meters)

    def wait_for_more(self, count):
        end = self.count() + count
        wait_for(lambda: self.count() >= end, "more packets to be answered")

    def check(self):
        """Every packet that was answered is in the database, once in effect."""
        self.server.wait_for_spool()
        stored = {row[0]: row[1:] for row in self.server.sql(
            """select acctsessionid, acctsessiontime, acctinputoctets, acctstoptime is not null
               from radius.radacct where acctsessionid like 'spool-%'""")}
        rows = self.server.value("select count(*) from radius.radacct where acctsessionid like 'spool-%'")
        assert int(rows) == len(stored)
        expected = {}
        for meter in self.meters:
            expected.update(meter.acknowledged)
        assert set(expected) <= set(stored)
        for session_id, (seconds, octets_in, is_stopped) in expected.items():
            found = stored[session_id]
            # A later packet may have been stored, too, whose answer the NAS did not see any more.
            if is_stopped:
                assert found == (str(seconds), str(octets_in), "t"), session_id
            else:
                assert int(found[0] or 0) in (seconds, seconds + 60), session_id


def kill_workers(server):
    victims = server.worker_pids()
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    wait_for(lambda: len(set(server.worker_pids()) - set(victims)) == WORKERS, "the workers to be replaced")


def test_workers_killed_while_the_database_is_away_lose_nothing(make_server):
    server = make_server(spool_after="200ms")
    with Meters(server) as meters:
        meters.wait_for_more(200)
        server.stop_database()
        meters.wait_for_more(400)
        kill_workers(server)
        meters.wait_for_more(400)
        assert server.counter("accounting_spooled") > 0
        assert server.spool_files()
        server.start_database()
        meters.wait_for_more(100)
    meters.check()
    assert server.counter("drop_spool_refused") == 0
    assert server.counter("spool_corrupt") == 0


def test_a_frozen_database_does_not_keep_accounting_waiting(make_server):
    server = make_server(spool_after="200ms")
    with Meters(server) as meters:
        meters.wait_for_more(200)
        with server.frozen_database():
            meters.wait_for_more(400)
        meters.wait_for_more(100)
    meters.check()
    assert server.counter("accounting_spooled") > 0


def spool_some(server, client, first, count):
    for number in range(first, first + count):
        assert client.account(START, f"spool-{number}", "demo", seconds=10).code == ACCOUNTING_RESPONSE


def test_damaged_segments_cost_no_more_than_the_records_that_were_damaged(make_server, make_client):
    server = make_server(spool_after="100ms", workers=1)
    client = make_client(server)
    server.stop_database()
    spool_some(server, client, 0, 10)
    server.stop()  # what is in the spool stays there
    server.start()
    client = make_client(server)
    spool_some(server, client, 10, 10)
    server.stop()
    torn, damaged = server.spool_files()
    with torn.open("r+b") as file:  # the end of the last record never reached the disk
        file.truncate(torn.stat().st_size - 5)
    with damaged.open("r+b") as file:
        content = file.read()
        file.seek(content.index(b"spool-14"))
        file.write(b"SPOOL")
    server.start_database()
    server.start()
    server.wait_for_spool()
    counters = server.counters()
    assert (counters["spool_torn"], counters["spool_corrupt"], counters["spool_replayed"]) == (1, 1, 18)
    stored = {row[0] for row in server.sql("select acctsessionid from radius.radacct where acctsessionid like 'spool-%'")}
    assert stored == {f"spool-{number}" for number in range(20)} - {"spool-9", "spool-14"}
    kept = b"".join(path.read_bytes() for path in server.spool_files(".corrupt"))
    assert b"SPOOL-14" in kept and b"spool-9" in kept


def test_popradctl_shows_and_replays_the_spool_without_the_server(make_server, make_client):
    server = make_server(spool_after="100ms", workers=1)
    assert server.ctl_json("spool", "status")["segments"] == []
    assert server.run("spool", "replay")[0] == 1, "the server runs, and replays by itself"
    client = make_client(server)
    server.stop_database()
    spool_some(server, client, 0, 3)
    (segment,) = server.ctl_json("spool", "status")["segments"]
    assert segment["state"] == "in use"
    (path,) = server.spool_files()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    server.stop()
    (segment,) = server.ctl_json("spool", "status")["segments"]
    assert segment["state"] == "left behind"
    assert segment["octets"] == server.spool_files()[0].stat().st_size
    shown = server.ctl_json("spool", "show", segment["segment"])
    assert [(record["status"], record["acct_session_id"], record["login"]) for record in shown] == [
        ("Start", f"spool-{number}", "demo") for number in range(3)]
    assert SECRET.hex() not in str(shown) and all(record["packet"][8:40] == "00" * 16 for record in shown)
    assert len(server.ctl("spool", "show").splitlines()) == 4
    status, _, errors = server.run("spool", "show", "../x")
    assert status == 2 and "without its folder" in errors
    server.start_database()
    assert server.ctl("spool", "replay") == "3 records are stored\n"
    assert server.spool_files() == []
    assert server.value("select count(*) from radius.radacct where acctsessionid like 'spool-%'") == "3"
    assert server.ctl("spool", "replay") == "0 records are stored\n"


def test_a_refused_record_waits_in_quarantine_until_it_is_retried_or_discarded(make_server, make_client):
    server = make_server()
    client = make_client(server)
    server.sql("alter table poprad.session add constraint refusal check (user_name not like 'refused%') not valid")
    for name in ("refused-1", "refused-2", "stored"):
        assert client.account(START, name, name).code == ACCOUNTING_RESPONSE
    first, second = server.ctl_json("quarantine", "list")
    assert first["source"] == "127.0.0.1" and "refusal" in first["reason"]
    shown = server.ctl_json("quarantine", "show", str(second["quarantine_id"]))
    assert (shown["login"], shown["status"], shown["acct_session_id"]) == ("refused-2", "Start", "refused-2")
    lines = server.ctl("quarantine", "show", str(second["quarantine_id"])).splitlines()
    assert ["acct_session_id:", "refused-2"] in [line.split() for line in lines]
    # The cause is still there: it comes back.
    server.ctl("quarantine", "retry", str(first["quarantine_id"]))
    wait_for(lambda: len(server.ctl_json("quarantine", "list")) == 2, "the record to be refused again")
    (again,) = [row for row in server.ctl_json("quarantine", "list") if row["quarantine_id"] != second["quarantine_id"]]
    assert again["quarantine_id"] > second["quarantine_id"] and again["received_at"] == first["received_at"]
    server.sql("alter table poprad.session drop constraint refusal")
    assert server.ctl("quarantine", "discard", str(again["quarantine_id"])) == "1 records are discarded\n"
    assert server.ctl("quarantine", "retry", "--all") == "1 records go to the database again\n"
    assert server.ctl_json("quarantine", "list") == []
    server.wait_for_spool()
    stored = server.sql("select acctsessionid from radius.radacct where acctsessionid like 'refused%' or acctsessionid = 'stored'")
    assert sorted(stored) == [("refused-2",), ("stored",)]
    assert server.run("quarantine", "retry", "99")[0] == 1
    assert server.run("quarantine", "retry")[0] == 2
    assert server.run("quarantine", "discard", "99")[0] == 1


def test_a_session_limit_rejects_nobody_while_the_stop_may_be_spooled(make_server, make_client):
    server = make_server(spool_after="100ms")
    client = make_client(server)
    server.ctl("plan", "add", "one", "--pool", "dynamic", "--sessions", "1")
    server.ctl("subscriber", "add", "one@isp.example", "--password", "secret", "--plan", "one")

    def log_in(session_id):
        answer = client.login("one@isp.example", "secret")
        if answer.code == ACCESS_ACCEPT:
            assert client.account(START, session_id, "one@isp.example", [(CLASS, answer.one(CLASS))]).code == ACCOUNTING_RESPONSE
        return answer

    first = log_in("spool-first")
    assert log_in("spool-never").code == ACCESS_REJECT
    # Ends cannot be stored for now: the database says that it is out of order, and the Stop goes to the spool.
    server.sql("""
        create function public.out_of_order() returns trigger language plpgsql as
            $$ begin raise exception 'out of order' using errcode = '57000'; end $$;
        create trigger out_of_order before update on poprad.session for each row when (new.state = 'closed')
            execute function public.out_of_order()""")
    stop = [(CLASS, first.one(CLASS)), (ACCT_SESSION_TIME, 5)]
    assert client.account(STOP, "spool-first", "one@isp.example", stop).code == ACCOUNTING_RESPONSE
    assert server.spool_files()
    assert server.value("select state from poprad.session where acct_session_id = 'spool-first'") == "active"
    second = client.login("one@isp.example", "secret")
    assert second.code == ACCESS_ACCEPT
    assert server.counter("limits_waived") == 1
    assert client.account(START, "spool-second", "one@isp.example", [(CLASS, second.one(CLASS))]).code == ACCOUNTING_RESPONSE
    server.sql("drop function public.out_of_order cascade")
    server.wait_for_spool()
    assert server.sql("select acct_session_id, state from poprad.session where acct_session_id like 'spool-%' order by 1") == [
        ("spool-first", "closed"), ("spool-second", "active")]
    # The limit holds again, once the workers have seen that the spool is empty.
    wait_for(lambda: client.login("one@isp.example", "secret").code == ACCESS_REJECT, "the limit to hold again")


@pytest.fixture
def full_disk():
    """A folder on a file system of 1 MiB."""
    with small_disk(1) as folder:
        if folder is None:
            pytest.skip("no file system can be mounted here")
        yield folder


def fill_spool(server, client):
    """Sends records until one is refused; how many were answered."""
    count = 0
    padding = bytes([18, 253]) + b"x" * 251  # Reply-Message: octets that mean nothing here
    while server.counter("drop_spool_refused") == 0:
        pending = set()
        for _ in range(50):
            count += 1
            pairs = [(ACCT_STATUS_TYPE, START), (ACCT_SESSION_ID, f"spool-{count}"), (USER_NAME, "demo")]
            data = client.accounting_request(pairs, body=padding * 12)
            client.send(data, server.acct_port)
            pending.add(data[1])
        while pending and (answer := client.receive(1.5)) is not None:
            pending.discard(answer[1])
        assert count < 20000
    return count


def check_refusal(server, client):
    server.stop_database()
    client.account(START, "spool-first", "demo")
    fill_spool(server, client)
    assert server.counter("spool_refusing") > 0
    # Where the disk has room for a single record still, it is taken.
    assert any(client.account(START, f"spool-last-{n}", "demo", seconds=1.2) is None for n in range(600))
    server.start_database()
    server.wait_for_spool()
    wait_for(lambda: server.counter("spool_refusing") == 0, "the alarm to end")
    assert client.account(START, "spool-after", "demo").code == ACCOUNTING_RESPONSE
    assert server.value("select count(*) from radius.radacct where acctsessionid in ('spool-first', 'spool-after')") == "2"
    answered = server.counter("accounting_responses")
    stored = server.value("select count(*) from radius.radacct where acctsessionid like 'spool-%'")
    assert int(stored) >= answered


def test_a_spool_at_its_limit_does_not_answer(make_server, make_client):
    server = make_server(spool_after="100ms", workers=1, spool_limit=1)
    check_refusal(server, make_client(server))


def test_a_full_disk_does_not_answer(make_server, make_client, full_disk):
    server = make_server(spool_after="100ms", workers=1, spool_directory=full_disk)
    check_refusal(server, make_client(server))
