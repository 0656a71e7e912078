# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The driver of the database ceiling does what the server does: sessions, leases and records are there afterwards."""
import json
import os
import pathlib
import subprocess
import sys
import types

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import settings  # noqa: E402
from poprad_server import PopradServer  # noqa: E402

DRIVER = pathlib.Path(os.environ.get("POPRAD_BUILD") or settings.BUILD) / "tests" / "bench" / "ceiling"
SUBSCRIBERS, POOL = 600, "100.64.0.0/19"

pytestmark = pytest.mark.skipif(not DRIVER.exists(), reason=f"there is no {DRIVER}: make check TESTS=")


@pytest.fixture
def connection(database):
    made = database.connect(autocommit=False)
    provider = types.SimpleNamespace(subscribers=SUBSCRIBERS, pool=POOL, online=0)
    PopradServer.fill_rows(provider, made, "lease")
    made.autocommit = True
    with made.cursor() as cursor:
        yield cursor


def run(database, mode):
    words = [DRIVER, mode, database.conninfo("poprad_server"), "2", "64", str(SUBSCRIBERS), "1"]
    done = subprocess.run(words, text=True, capture_output=True, timeout=120, check=True)
    ready, figures = done.stdout.splitlines()
    assert ready == "ready"
    return json.loads(figures)


def test_every_subscriber_logs_in_once_and_gets_an_address(database, connection):
    figures = run(database, "login")
    assert figures["operations"] == SUBSCRIBERS and figures["failed"] == 0
    connection.execute("""select count(*), count(distinct a.address), count(distinct s.subscriber_id)
        from poprad.session s join poprad.address a using (session_key) where s.state = 'authorised'""")
    assert connection.fetchone() == (SUBSCRIBERS, SUBSCRIBERS, SUBSCRIBERS)


def test_records_start_and_stop_sessions(database, connection):
    figures = run(database, "account")
    connection.execute("""select count(*), count(*) filter (where state = 'closed'),
        count(distinct acct_session_id), bool_and(session_time >= 0) from poprad.session""")
    sessions, closed, named, has_times = connection.fetchone()
    # of ten records one is a Start and one a Stop; half of the lines were online before
    # which come in batches of 64 on two connections, one of five for Starts and Stops
    assert figures["failed"] == 0 and figures["operations"] > 0
    assert abs(sessions - SUBSCRIBERS // 2 - figures["operations"] // 10) <= 2 * 64
    assert abs(closed - figures["operations"] // 10) <= 2 * 64
    assert named == sessions and has_times
