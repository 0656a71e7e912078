# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""popradctl trace: packets as they come, with each decision, and without secrets."""
import contextlib
import json
import os
import signal
import subprocess

import pytest

from support import poprad, radius
from support.poprad import ROOT, wait_for


class Watcher:
    """popradctl trace, running; its output goes to a file."""

    def __init__(self, server, *words):
        self.path = server.directory / f"trace-{id(self)}"
        self.errors = server.directory / f"trace-{id(self)}-errors"
        self.process = subprocess.Popen(
            [ROOT / "bin" / "popradctl", "trace", *words], stdin=subprocess.DEVNULL, stdout=self.path.open("wb"),
            stderr=self.errors.open("wb"), env=server.environment(), cwd="/")
        wait_for(lambda: "waiting for packets" in self.errors.read_text() or self.process.poll() is not None,
                 "the trace to begin")

    def text(self):
        return self.path.read_text()

    def lines(self):
        return [json.loads(line) for line in self.text().splitlines()]

    def end(self):
        status = self.process.wait(poprad.PATIENCE_S)
        assert status == 0, self.errors.read_text()
        return self.text()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.end()


@pytest.fixture
def watch(server):
    """watch(target, "--json", ...): starts popradctl trace; ended after the test."""
    started = []

    def start(*words, on=server):
        started.append(Watcher(on, *words))
        return started[-1]

    yield start
    for watcher in started:
        with contextlib.suppress(ProcessLookupError):
            watcher.process.kill()
        watcher.process.wait()


@pytest.fixture
def radclient(server):
    def ask(*attributes, kind="auth", secret=radius.SECRET.decode(), on=server):
        port = on.auth_port if kind == "auth" else on.acct_port
        done = subprocess.run(["radclient", "-x", "-r", "1", "-t", "3", f"127.0.0.1:{port}", kind, secret],
                              input="\n".join(attributes) + "\n", text=True, capture_output=True, timeout=60)
        return done.stdout + done.stderr
    return ask


def steps_of(line):
    return [(step["step"], step["result"]) for step in line["steps"]]


def attributes_of(packet):
    return {attribute["name"]: attribute["value"] for attribute in packet["attributes"]}


def test_an_accepted_login(watch, radclient, subscriber):
    login, password = subscriber()
    watcher = watch(login, "--json", "--count", "1")
    assert "Access-Accept" in radclient(f"User-Name = {login}", f"User-Password = {password}", "NAS-Port = 9",
                                        "Service-Type = Framed-User")
    watcher.end()
    line, = watcher.lines()
    assert line["outcome"] == "answer" and line["reason"] is None and line["source"] == "127.0.0.1"
    assert steps_of(line) == [("nas", "next"), ("admit", "next"), ("dupcache", "next"), ("decode", "next"),
                              ("route", "next"), ("read", "next"), ("find", "wait"), ("verify", "next"),
                              ("policy", "next"), ("admit", "wait"), ("reply", "reply")]
    assert line["request"]["code"] == "Access-Request" and line["answer"]["code"] == "Access-Accept"
    asked, answered = attributes_of(line["request"]), attributes_of(line["answer"])
    assert asked["User-Name"] == login and asked["NAS-Port"] == "9" and asked["Service-Type"] == "Framed-User"
    assert asked["User-Password"] is None and asked["Message-Authenticator" if "Message-Authenticator" in asked
                                                    else "User-Password"] is None
    assert answered["Framed-Protocol"] == "PPP" and answered["Session-Timeout"] == "28800"
    assert answered["Message-Authenticator"] is None
    steps = {step["step"]: step for step in line["steps"] if step["queries"] or step["notes"]}
    query, = steps["find"]["queries"]
    assert query["statement"] == "find" and query["outcome"] == "answered" and query["rows"] >= 1
    assert 0 < query["took_us"] < line["duration_us"] and query["waited_us"] >= 0
    assert f"address {answered['Framed-IP-Address']}, in round 1" in steps["admit"]["notes"]
    assert "the password is right" in steps["verify"]["notes"]


def test_in_words(watch, radclient, subscriber):
    login, password = subscriber()
    watcher = watch(login, "--count", "2")
    radclient(f"User-Name = {login}", "User-Password = wrong-guess")
    radclient(f"User-Name = {login}", f"CHAP-Password = {password}")
    text = watcher.end()
    assert "Access-Request, ID " in text and f'User-Name = "{login}"' in text
    assert "User-Password = (not shown)" in text and "CHAP-Password = (not shown)" in text
    assert "because: wrong_password. The password is wrong." in text
    assert "query find: waited " in text and "Access-Accept after " in text
    assert "wrong-guess" not in text and password not in text and "testing123" not in text


def test_only_what_was_asked_for(watch, radclient, subscriber):
    login, password = subscriber()
    other, other_password = subscriber()
    watcher = watch(login, "--json", "--count", "1")
    radclient(f"User-Name = {other}", f"User-Password = {other_password}")
    user, realm = login.split("@")
    radclient(f"User-Name = {user}@{realm.upper()}", f"User-Password = {password}")
    watcher.end()
    line, = watcher.lines()
    assert attributes_of(line["request"])["User-Name"] == f"{user}@{realm.upper()}"


@pytest.mark.parametrize("target", ["localhost", "127.0.0.1"])
def test_a_nas_by_name_and_address(watch, radclient, server, subscriber, target):
    login, _ = subscriber()
    name = server.value("select name from poprad.nas where prefix >>= '127.0.0.1'")
    watcher = watch(name if target == "localhost" else target, "--json")
    radclient(f"User-Name = {login}", "Acct-Status-Type = Start", f"Acct-Session-Id = {login}", kind="acct")
    wait_for(lambda: any(attributes_of(line["request"]).get("User-Name") == login for line in watcher.lines()),
             "the record to be shown")
    watcher.interrupt()
    line = next(line for line in watcher.lines() if attributes_of(line["request"]).get("User-Name") == login)
    assert line["nas"] == name and line["answer"]["code"] == "Accounting-Response"
    assert [step["step"] for step in line["steps"]][-3:] == ["validate", "record", "respond"]


def test_each_call_of_a_record(watch, radclient, subscriber):
    login, _ = subscriber()
    watcher = watch(login, "--json", "--count", "1")
    radclient(f"User-Name = {login}", "Acct-Status-Type = Interim-Update", f"Acct-Session-Id = {login}", kind="acct")
    watcher.end()
    line, = watcher.lines()
    queries = [query for step in line["steps"] for query in step["queries"]]
    assert [(query["statement"], query["outcome"]) for query in queries] == [
        ("account_interim", "no_row"), ("account", "answered")]


def test_drops_and_repeats(watch, client, server, subscriber):
    login, _ = subscriber()
    watcher = watch(login, "--json", "--count", "3")
    body = radius.attributes([(radius.USER_NAME, login), (radius.USER_PASSWORD, bytes(16))])
    damaged = bytearray(radius.with_message_authenticator(radius.ACCESS_REQUEST, 7, os.urandom(16), body))
    damaged[30] ^= 1
    client.send(bytes(damaged), server.auth_port)
    request = radius.with_message_authenticator(radius.ACCESS_REQUEST, 8, os.urandom(16), body)
    for _ in range(2):
        client.send(request, server.auth_port)
        assert client.receive(poprad.PATIENCE_S)[0] == radius.ACCESS_REJECT
    watcher.end()
    dropped, rejected, repeated = watcher.lines()
    assert dropped["outcome"] == "drop" and dropped["reason"] == "bad_message_authenticator"
    assert dropped["answer"] is None and steps_of(dropped)[-1] == ("admit", "drop")
    assert rejected["outcome"] == "answer" and rejected["reason"] == "wrong_password"
    assert repeated["outcome"] == "repeat" and steps_of(repeated)[-1] == ("dupcache", "reply")
    assert repeated["answer"]["octets"] == rejected["answer"]["octets"]


def test_hostile_text_stays_in_its_line(watch, client, server):
    evil = b"evil\x1b[2J\n\xff\xc2\x9b31m"
    name = server.value("select name from poprad.nas where prefix >>= '127.0.0.1'")
    watcher, as_json = watch(name), watch(name, "--json")
    body = radius.attributes([(radius.USER_NAME, evil), (radius.USER_PASSWORD, bytes(16))])
    request = radius.with_message_authenticator(radius.ACCESS_REQUEST, 9, os.urandom(16), body)
    client.send(request, server.auth_port)
    assert client.receive(poprad.PATIENCE_S)[0] == radius.ACCESS_REJECT
    wait_for(lambda: 'User-Name = "evil' in watcher.text() and "evil" in as_json.text(), "the packet to be shown")
    text = watcher.interrupt()
    assert 'User-Name = "evil\\x1b[2J\\x0a\\xff\\x9b31m"' in text
    assert not [c for c in text + as_json.interrupt() if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)]


def test_more_than_can_be_told(make_server, watch, make_client):
    server = make_server(workers=1)
    name = server.value("select name from poprad.nas where prefix >>= '127.0.0.1'")
    watcher = watch(name, "--json", on=server)
    client = make_client(server)
    for _ in range(600):
        assert client.status(server.auth_port)
    wait_for(lambda: sum(line.get("not_shown", 1) for line in watcher.lines()) >= 600, "all to be shown or counted")
    watcher.interrupt()
    assert sum(line.get("not_shown", 1) for line in watcher.lines()) == 600
    assert any("not_shown" in line for line in watcher.lines())


def test_a_worker_that_starts_anew(make_server, watch, radclient):
    server = make_server(workers=1)
    watcher = watch("nobody@isp.example", "--json", "--count", "1", on=server)
    pid, = server.worker_pids()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: server.worker_pids() not in ([], [pid]) and
             server.ctl_json("status")["workers"][0]["state"] == "ready", "a new worker")
    assert "Access-Reject" in radclient("User-Name = nobody@isp.example", "User-Password = x", on=server)
    watcher.end()
    assert watcher.lines()[0]["reason"] == "unknown_subscriber"


def test_ends(server, watch):
    assert watch("nobody", "--seconds", "1").end() == ""
    assert watch("nobody").interrupt() == ""
    watchers = [watch("nobody") for _ in range(8)]
    status, _, errors = server.run("trace", "nobody")
    assert status == 1 and "as many traces already as can be" in errors
    for watcher in watchers:
        watcher.interrupt()
    # The server notices that they have gone.
    wait_for(lambda: server.run("trace", "nobody", "--seconds", "0")[0] == 0, "room for another trace")
    assert server.run("trace", "x" * 254)[0] == 2


def test_without_a_server(make_server):
    server = make_server(serving=False)
    status, _, errors = server.run("trace", "nobody")
    assert status == 1 and "the server does not run" in errors
