# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""poprad.conf: every kind of mistake is named with its line, all of them at once."""
import subprocess

import pytest

from support.poprad import ROOT

MISTAKES = {
    "unknown option": "no_such_option = 1",
    "number too large": "auth_port = 70000",
    "negative number": "auth_port = -1",
    "word for a number": "auth_port = many",
    "bad address": 'listen = {"192.0.2.300"}',
    "host name for an address": 'listen = {"radius.example.net"}',
    "too many addresses": "listen = {" + ", ".join(f'"192.0.2.{n}"' for n in range(1, 40)) + "}",
    "bad duration": "reject_delay = soon",
    "duration out of range": "reject_delay = 9999d",
    "bad log level": "log_level = loud",
    "relative folder": 'run_dir = "run"',
    "no value": "user =",
    "empty database": 'database = ""',
    "binary octets": 'user = "\x01\x02"',
    "given twice": "auth_port = 1812\nauth_port = 1812",
}


@pytest.fixture
def check(tmp_path):
    def run(text):
        path = tmp_path / "poprad.conf"
        path.write_text(text)
        done = subprocess.run([ROOT / "sbin" / "poprad", "-C", path], text=True, capture_output=True, timeout=60)
        return done.returncode, done.stdout + done.stderr, path
    return run


def test_a_good_file_passes(check, server):
    status, output, _ = check(server.conf_text())
    assert status == 0, output


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_file_and_line(check, mistake):
    status, output, path = check(f"# a comment\n\n{MISTAKES[mistake]}\n")
    assert status != 0
    line = 4 if mistake == "given twice" else 3
    assert f"{path}:{line}:" in output, output


@pytest.mark.parametrize("text", ["listen = {", '"', "auth_port = 1812 }", "\x00\x01", "=", 'user = "poprad'])
def test_a_file_of_a_wrong_form_is_refused(check, text):
    status, output, path = check(text)
    assert status != 0
    assert f"{path}:" in output, output


def test_all_mistakes_are_named_at_once(check):
    status, output, path = check("auth_port = 70000\nlog_level = loud\nreject_delay = soon\n")
    assert status != 0
    for line in (1, 2, 3):
        assert f"{path}:{line}:" in output, output


def test_a_missing_file_is_an_error(tmp_path):
    done = subprocess.run([ROOT / "sbin" / "poprad", "-C", tmp_path / "none.conf"], text=True, capture_output=True,
                          timeout=60)
    assert done.returncode != 0
    assert "none.conf" in done.stderr
