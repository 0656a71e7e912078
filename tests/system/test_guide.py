# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""doc/operator/spam.md, followed line by line from an empty database: every command says what the guide says that it does.

A block of the guide is run if its first line begins with "$ ". What differs between two runs is masked.
"""
import re
import subprocess

import pytest

from support.poprad import PATIENCE_S, ROOT, SOURCE, Poprad, wait_for

GUIDE = SOURCE / "doc" / "operator" / "spam.md"

# They look only, and a change is heeded within a second: asked again until they say what they should.
LOOKS = ("radtest ", "popradctl why ")

MASKS = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME"),
    (r"\b10\.0\.(8|9|1[0-5])\.\d+\b(?!/)", "LEASED"),
    (r"process \d+", "process PID"),
    (r" {3,}", "  "),  # a table is as wide as what stands in it
    (r"schema version .*", "schema version N"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "KEY"),
)


def steps(text):
    """(command, what it says) of each command in the guide."""
    found = []
    for block in re.findall(r"^```\n(\$ .*?)^```$", text, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, said = re.match(r"((?:[^\n]*\\\n)*[^\n]*\n)(.*)", part, re.S).groups()
            found.append((command.rstrip("\n"), said))
    return found


def masked(text):
    for pattern, word in MASKS:
        text = re.sub(pattern, word, text)
    return text


def run(server, command):
    command = command.replace(" 127.0.0.1 0 ", f" 127.0.0.1:{server.auth_port} 0 ")
    environment = server.environment()
    environment["PATH"] = f"{ROOT / 'bin'}:{environment['PATH']}"
    return subprocess.run(["bash", "-c", command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE_S, env=environment, cwd="/").stdout


@pytest.fixture
def empty_server():
    """Neither database nor server yet: the guide begins with that."""
    instance = Poprad()
    try:
        yield instance
    finally:
        instance.close()


def follow(server, command, said):
    if command.startswith(LOOKS):
        wait_for(lambda: masked(run(server, command)) == masked(said), f"{command} to say\n{said}")
        return
    assert masked(run(server, command)) == masked(said), command
    if command == "popradctl db start":
        server.start()


def test_every_command_of_the_guide_says_what_it_shows(empty_server):
    commands = steps(GUIDE.read_text())
    assert len(commands) > 50
    for command, said in commands:
        follow(empty_server, command, said)
