# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""popradload against the real server and against tests/bench/echo, which answers everything at once: each mode and
method, and what it says when something is wrong."""
import json
import os
import pathlib
import pty
import signal
import subprocess

import pytest

from support import poprad

SUBSCRIBERS = 300


@pytest.fixture(scope="module")
def loaded(server):
    """Subscribers load-1 to load-300, with a pool that is just large enough for them."""
    server.ctl("pool", "add", "load", "100.96.0.0/23")
    server.ctl("plan", "add", "load", "--pool", "load", "--sessions", "1", "--interim", "10m")
    path = server.directory / "load.csv"
    path.write_text("login,password,plan\n" + "".join(
        f"load-{number}@isp.example,secret{number},load\n" for number in range(1, SUBSCRIBERS + 1)))
    path.chmod(0o644)
    server.ctl("subscriber", "import", str(path))
    return server


class Echo:
    """The smallest server there is; it ends with its standard input."""

    def __init__(self):
        build = pathlib.Path(os.environ.get("POPRAD_BUILD") or poprad.SOURCE / "var" / "build")
        program = build / "tests" / "bench" / "echo"
        if not program.exists():
            pytest.skip(f"no {program}: make check builds it")
        self.process = subprocess.Popen([program, "testing123"], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.auth_port, self.acct_port = (int(word) for word in self.process.stdout.readline().split())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(poprad.PATIENCE_S) == 0


@pytest.fixture(scope="module")
def echo():
    instance = Echo()
    try:
        yield instance
    finally:
        instance.close()


def command(server, mode, *options, patterns=("load-%d@isp.example", "secret%d"), count=SUBSCRIBERS):
    return [poprad.ROOT / "bin" / "popradload", mode, "--auth-port", str(server.auth_port), "--acct-port",
            str(server.acct_port), "--login", patterns[0], "--password", patterns[1], "--count", str(count),
            "--source", "127.0.6.1", *options]


def run(server, mode, *options, **subscribers):
    """Exit status and summary of one run."""
    done = subprocess.run(command(server, mode, "--json", *options, **subscribers), text=True, capture_output=True,
                          timeout=poprad.PATIENCE_S)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def active(server):
    return int(server.value("select count(*) from poprad.session where user_name like 'load-%' and state = 'active'"))


@pytest.mark.parametrize("method", ["pap", "chap", "mschapv2"])
def test_sessions_begin_and_end_by_every_method(loaded, method):
    status, summary = run(loaded, "session", "--method", method, "--sources", "5", "--window", "50")
    assert status == 0 and summary["clean"], summary
    assert summary["accepted"] == SUBSCRIBERS and summary["double_addresses"] == 0
    assert summary["accounting"]["answered"] == 3 * SUBSCRIBERS
    assert summary["unsigned_logins"] == 0
    assert active(loaded) == 0


def test_a_storm_brings_everybody_online_and_leaves_them_there(loaded):
    status, summary = run(loaded, "storm", "--sources", "3", "--window", "100")
    assert status == 0, summary
    assert summary["online"] == SUBSCRIBERS and summary["double_addresses"] == 0
    assert summary["all_online_s"] > 0
    assert active(loaded) == SUBSCRIBERS
    # On the same lines again: each login replaces the session that is open there.
    status, summary = run(loaded, "storm", "--sources", "3", "--window", "100")
    assert status == 0, summary
    assert active(loaded) == SUBSCRIBERS


def test_records_of_sessions_that_never_logged_in_are_taken(loaded):
    status, summary = run(loaded, "acct", "--interims", "2", patterns=("stranger-%d@isp.example", "x"), count=50)
    assert status == 0, summary
    assert summary["accounting"]["answered"] == 200
    assert loaded.value("select count(*) from poprad.session where user_name like 'stranger-%'") == "50"


def test_a_wrong_password_is_a_reject_and_no_clean_run(loaded):
    status, summary = run(loaded, "auth", patterns=("load-%d@isp.example", "wrong%d"), count=20)
    assert status == 1 and not summary["clean"]
    assert summary["rejected"] == 20 and summary["accepted"] == 0


def test_a_wrong_secret_is_no_answer(loaded):
    status, summary = run(loaded, "auth", "--secret", "other", "--timeout", "200ms", "--retries", "1", count=5)
    assert status == 1
    assert summary["login"]["answered"] == 0 and summary["login"]["lost"] == 5 and summary["retransmits"] == 5


def test_mixed_records_of_sessions_that_logged_in_are_all_stored(loaded):
    status, summary = run(loaded, "session", "--mixed", "--online", "200", "--interims", "8", "--window", "40",
                          "--sources", "3", "--operations", "900")
    assert status == 0, summary
    assert summary["addresses_given"] == SUBSCRIBERS and summary["unprepared"] == 0
    assert (summary["start"]["answered"], summary["interim"]["answered"], summary["stop"]["answered"]) == (90, 720, 90)
    assert summary["acknowledged"] == summary["operations_done"] == 900 and summary["login"]["sent"] == 0
    assert summary["online"] == 200
    # Every session of this run, by its Acct-Session-Id, is as the acknowledged records left it.
    assert loaded.sql(f"""select state, count(*) from poprad.session where acct_session_id like '{summary["run"]}-%'
                          group by 1 order by 1""") == [("active", "200"), ("closed", "90")]


def test_mixed_records_of_sessions_that_never_logged_in_are_all_stored(loaded):
    status, summary = run(loaded, "acct", "--mixed", "--interims", "3", "--window", "20", "--operations", "500",
                          patterns=("passer-by-%d@isp.example", "x"), count=60)
    assert status == 0, summary
    assert (summary["start"]["answered"], summary["interim"]["answered"], summary["stop"]["answered"]) == (100, 300, 100)
    assert loaded.sql(f"""select state, count(*) from poprad.session where acct_session_id like '{summary["run"]}-%'
                          group by 1 order by 1""") == [("active", "30"), ("closed", "100")]


def test_an_open_loop_tells_what_was_wanted_offered_and_answered_in_time(loaded):
    status, summary = run(loaded, "auth", "--rate", "100", "--operations", "200", "--sources", "3")
    assert status == 0, summary
    assert summary["rate"] == 100 and summary["operations_done"] == 200 and summary["operations_missed"] == 0
    assert summary["login"]["in_time"] == summary["accepted"] == 200
    assert 0 < summary["goodput_per_second"] <= summary["offered_per_second"] * 1.0001


@pytest.mark.parametrize("mode", ["auth", "acct", "session", "storm"])
def test_replies_of_the_echo_are_taken_and_verified(echo, mode):
    logins = {"auth": 20000, "session": 5000, "storm": 5000}.get(mode, 0)
    records = {"acct": 15000, "session": 15000, "storm": 5000}.get(mode, 0)
    operations = str(logins or 5000)
    status, summary = run(echo, mode, "--sources", "20", "--window", "1000", "--operations", operations, count=5000)
    assert status == 0, summary
    assert summary["accepted"] == summary["login"]["in_time"] == summary["addresses_given"] == logins
    assert summary["acknowledged"] == summary["accounting"]["in_time"] == records
    assert summary["bad_signatures"] == summary["bad_replies"] == summary["unsigned_logins"] == 0
    assert summary["double_addresses"] == 0


def test_replies_signed_with_another_secret_are_refused(echo):
    for mode in "auth", "acct":
        status, summary = run(echo, mode, "--secret", "other", "--timeout", "50ms", "--retries", "1", count=20)
        assert status == 1
        assert summary["accepted"] == summary["acknowledged"] == 0
        assert summary["bad_signatures"] >= 20 and summary["operations_done"] in (0, 20)


def test_the_summary_as_text_tells_what_the_json_does(echo):
    done = subprocess.run(command(echo, "session", "--window", "50"), text=True, capture_output=True,
                          timeout=poprad.PATIENCE_S)
    assert done.returncode == 0 and done.stderr == ""
    for words in ("requests/s answered", "login                sent 300  answered 300  in time 300  lost 0",
                  "interim              sent 300", "acknowledged         900", "addresses_given      300", "p99.9",
                  "CPU:"):
        assert words in done.stdout, done.stdout


def on_a_terminal(words):
    """What the program writes to its standard error while that is a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:
        pass  # the other end was closed: the program has ended
    os.close(ours)
    assert process.wait(poprad.PATIENCE_S) == 0
    return shown.decode()


def test_progress_is_shown_on_a_terminal_only(echo):
    words = command(echo, "auth", "--duration", "1500ms", "--window", "1")
    assert "answers/s" in on_a_terminal(words)
    assert on_a_terminal([*words, "--quiet"]) == ""


def test_an_interrupt_lets_sessions_end_and_the_summary_is_shown(echo):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command(echo, "session", "--json", "--hold", "1h", count=50), text=True,
                               stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    for _ in range(poprad.PATIENCE_S):  # a line a second
        if b"online 50" in shown:
            break
        shown += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    summary = json.loads(process.communicate(timeout=poprad.PATIENCE_S)[0])
    os.close(ours)
    assert process.returncode == 0
    assert summary["stop"]["answered"] == summary["operations_done"] == 50 and summary["online"] == 0
