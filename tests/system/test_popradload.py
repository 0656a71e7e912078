# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""popradload against the real server: each mode and method, and what it says when something is wrong."""
import json
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


def run(server, mode, *options, patterns=("load-%d@isp.example", "secret%d"), count=SUBSCRIBERS):
    """Exit status and summary of one run."""
    words = [poprad.ROOT / "bin" / "popradload", mode, "--auth-port", str(server.auth_port), "--acct-port",
             str(server.acct_port), "--login", patterns[0], "--password", patterns[1], "--count", str(count),
             "--source", "127.0.6.1", "--json", *options]
    done = subprocess.run(words, text=True, capture_output=True, timeout=poprad.PATIENCE_S)
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
