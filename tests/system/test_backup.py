# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""popradctl db backup and db restore: what was there is there again, and serves."""

import pathlib
import stat

import pytest

from support.poprad import Poprad, Refused, wait_for
from support.radius import *


@pytest.fixture
def filled(make_server, make_client):
    """A server with a subscriber of its own policy, a session in the middle, one that ended, and one in history."""
    server = make_server()
    client = make_client(server)
    server.ctl("subscriber", "add", "kept@isp.example", "--plan", "dialup", "--password-stdin", stdin="s3cret\n")
    server.ctl("subscriber", "set", "kept@isp.example", "--session-timeout", "2h")
    for name in ("past", "ended", "open"):
        accept = client.login("kept@isp.example", "s3cret")
        line = [(CLASS, accept.one(CLASS)), (FRAMED_IP_ADDRESS, accept.one(FRAMED_IP_ADDRESS))]
        assert client.account(START, name, "kept@isp.example", line).code == ACCOUNTING_RESPONSE
        if name != "open":
            assert client.account(STOP, name, "kept@isp.example", [*line, (ACCT_SESSION_TIME, 60)]).code == ACCOUNTING_RESPONSE
        if name == "past":
            server.sql("update poprad.session set closed_at = closed_at - interval '2 h'; select poprad.move_closed(array[500])")
    assert server.value("select count(*) from poprad.session_history") == "1"
    wait_for(lambda: server.value("select count(*) from poprad.auth_attempt") == "3", "the attempts to be stored")
    return server, client


@pytest.fixture
def bare():
    """A server that has no database yet."""
    made = Poprad()
    yield made
    made.close()


def contents(server):
    """Of every table with rows: how many, and a checksum of them. Leaves out what the running server writes by itself."""
    tables = [name for name, in server.sql("""
        select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'poprad'
            and tablename not in ('worker_state', 'session_walk') order by 1""")]
    found = {table: server.sql(f"select count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t") for table in tables}
    return {table: rows for table, rows in found.items() if rows[0][0] != "0"}


def test_everything_is_there_again_and_serves(filled, bare, make_server, make_client, tmp_path):
    server, client = filled
    backup = tmp_path / "backup"
    words = server.ctl("db", "backup", str(backup))
    assert str(backup.stat().st_size) in words and stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]
    server.stop()
    before = contents(server)
    assert len(before) > 10 and 'poprad.session' in before

    bare.ctl("db", "restore", str(backup))
    assert contents(bare) == before
    bare.start()
    make_server.wait_until_serving(bare)
    other = make_client(bare)
    accept = other.login("kept@isp.example", "s3cret")
    assert accept.code == ACCESS_ACCEPT and int.from_bytes(accept.one(SESSION_TIMEOUT), "big") == 7200
    assert other.login("kept@isp.example", "wrong").code == ACCESS_REJECT


def test_a_backup_is_not_written_over(filled, tmp_path):
    server, _ = filled
    there = tmp_path / "there"
    there.write_text("dear")
    with pytest.raises(Refused, match="is there already"):
        server.ctl("db", "backup", str(there))
    assert there.read_text() == "dear"
    draft = tmp_path / "new.part"
    draft.write_text("somebody's")
    with pytest.raises(Refused, match="another backup"):
        server.ctl("db", "backup", str(tmp_path / "new"))
    assert draft.read_text() == "somebody's" and not (tmp_path / "new").exists()
    with pytest.raises(Refused, match="No such file"):
        server.ctl("db", "backup", str(tmp_path / "nowhere" / "new"))


def test_a_database_that_is_in_use_is_not_restored_into(filled, tmp_path):
    server, _ = filled
    backup = tmp_path / "backup"
    server.ctl("db", "backup", str(backup))
    before = contents(server)
    with pytest.raises(Refused, match="poprad and radius already"):
        server.ctl("db", "restore", str(backup))
    assert contents(server) == before


@pytest.mark.parametrize("damage", ["missing", "no backup", "cut", "damaged"])
def test_what_cannot_be_restored_leaves_nothing(filled, bare, tmp_path, damage):
    server, _ = filled
    backup = tmp_path / "backup"
    server.ctl("db", "backup", str(backup))
    octets = backup.read_bytes()
    if damage == "missing":
        backup.unlink()
    else:
        backup.write_bytes({"no backup": b"no backup", "cut": octets[:len(octets) // 3],
                            "damaged": octets[:-2000] + bytes(1500) + octets[-500:]}[damage])
    with pytest.raises(Refused):
        bare.ctl("db", "restore", str(backup))
    if damage == "damaged":
        assert bare.value("select count(*) from pg_namespace where nspname in ('poprad', 'radius')") == "0"
    else:
        assert not (pathlib.Path(bare.directory) / "postgresql").exists()
