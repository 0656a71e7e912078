# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Proof by violence, the short form: what was acknowledged is in the database, once, whatever was killed, frozen or filled."""
import random

import pytest

from chaos import books, power
from chaos.callers import Session
from chaos.rounds import Rounds, chaos_server
from support.radius import INTERIM, START, STOP

ROUNDS, SECONDS, FREEZE_S = 8, 45, 3


@pytest.mark.once
def test_nothing_that_was_acknowledged_is_lost_by_violence(capsys):
    seed = random.randrange(10**9)
    with chaos_server() as (server, disk):
        rounds = Rounds(server, disk, seed, FREEZE_S, print)
        rounds.run(ROUNDS, SECONDS)
        with capsys.disabled():
            print(f"\n    seed {seed}", *rounds.report(), sep="\n    ")
        assert rounds.load.faults == []
        assert rounds.done > 0


def test_a_power_loss_takes_nothing_that_was_acknowledged(tmp_path):
    """The test's own tool: what it cuts off lies behind the last acknowledged record."""
    rng = random.Random(1)
    contents = [b"x" * 40 + b"chaos-serial-%010d." % serial for serial in range(6)]
    whole = bytes(power.HEAD) + b"".join(bytes(4) + len(c).to_bytes(4, "big") + bytes(4) + c for c in contents)
    path = tmp_path / "segment"
    lengths = set()
    for _ in range(200):
        path.write_bytes(whole)
        power.cut(path, {0, 2, 3}, rng)
        needed = power.HEAD + 4 * (power.RECORD_HEAD + len(contents[0]))
        assert path.read_bytes()[:needed] == whole[:needed]
        lengths.add(path.stat().st_size)
    assert len(lengths) > 50


class Books:
    """What check_session() needs of a load and a session."""

    def __init__(self, sent, acknowledged):
        self.name, self.login, self.sent, self.acknowledged = "chaos-1", "demo", sent, acknowledged
        self.faults = []

    possible = Session.possible

    def note(self, fault):
        self.faults.append(fault)


SENT = [(START, 0, 0, 0), (INTERIM, 2, 30, 40), (INTERIM, 3, 50, 60), (STOP, 4, 70, 80)]


@pytest.mark.parametrize("acknowledged, row, is_right", [
    (2, ("3", "50", "60", "f", "chaos-1 1", "", "demo"), True),
    (2, ("4", "70", "80", "t", "chaos-1 1", "chaos-1 2", "demo"), True),  # stored, and its answer was lost
    (2, None, False),
    (2, ("2", "30", "40", "f", "chaos-1 1", "", "demo"), False),
    (2, ("3", "50", "40", "f", "chaos-1 1", "", "demo"), False),
    (2, ("3", "50", "60", "t", "chaos-1 1", "", "demo"), False),
    (2, ("3", "50", "60", "f", "", "", "demo"), False),  # the Start is missing
    (3, ("4", "70", "80", "t", "chaos-1 1", "", "demo"), False),
    (3, ("4", "70", "80", "f", "chaos-1 1", "chaos-1 2", "demo"), False),
    (3, ("8", "140", "160", "t", "chaos-1 1", "chaos-1 2", "demo"), False),
    (3, ("4", "70", "80", "t", "chaos-1 1", "chaos-1 2", "other"), False)])
def test_the_books_find_what_is_wrong(acknowledged, row, is_right):
    """The test's own tool again: a loss, a record that counted twice, a session of somebody else."""
    made = Books(SENT, acknowledged)
    books.check_session(made, made, row and ("chaos-1", *row))
    assert (made.faults == []) == is_right
