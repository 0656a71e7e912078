# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The long form of the proof by violence: make chaos. Prints what was done, and every fault that was found."""
import argparse
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from chaos.rounds import Rounds, chaos_server  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description="Kills, freezes and fills what a server needs, and looks for what it lost.")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seconds", type=float, help="no round begins after that time")
    parser.add_argument("--freeze", type=float, default=30, metavar="S", help="how long PostgreSQL stands still")
    parser.add_argument("--seed", type=int, default=random.randrange(10**9))
    words = parser.parse_args()
    print(f"seed {words.seed}", flush=True)
    with chaos_server() as (server, disk):
        rounds = Rounds(server, disk, words.seed, words.freeze, lambda line: print(line, flush=True))
        rounds.run(words.rounds, words.seconds)
        print("\n".join(rounds.report()))
    sys.exit(1 if rounds.load.faults else 0)


if __name__ == "__main__":
    main()
