#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Measures poprad and a tuned FreeRADIUS on this machine: the same load, equal private PostgreSQL clusters, in turn.

    make bench                                    all of it, in a configured build directory
    tests/bench/bench.py --root PREFIX            the same with programs that are installed below PREFIX
    tests/bench/bench.py --rows auth,acct --rounds 1 --poprad-only
"""

import argparse
import contextlib
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import freeradius  # noqa: E402
import machine  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402
import settings  # noqa: E402
from poprad_server import PopradServer  # noqa: E402
from poprad_year import PopradYear  # noqa: E402
from support import poprad  # noqa: E402


def arguments():
    names = [row.name for row in rows.ROWS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = [row.name for row in rows.ROWS if row.is_usual]
    parser.add_argument("--rows", default=",".join(usual), help=f"some of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=3, help="how often each row is measured (3)")
    parser.add_argument("--root", type=pathlib.Path, default=settings.ROOT,
                        help="prefix of the installed programs (POPRAD_ROOT, or var/root)")
    parser.add_argument("--build", type=pathlib.Path, default=settings.BUILD,
                        help="build directory, for tests/bench/ceiling (build)")
    parser.add_argument("--poprad-only", action="store_true", help="no FreeRADIUS")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("bench"),
                        help="folder for results.json, results.md and performance.svg (bench)")
    options = parser.parse_args()
    options.rows = options.rows.split(",")
    unknown = set(options.rows) - set(names)
    if unknown:
        parser.error(f"no such rows: {', '.join(sorted(unknown))}")
    if not options.poprad_only and freeradius.problem():
        parser.error(f"{freeradius.problem()} (or --poprad-only)")
    return options


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    settings.ROOT = poprad.ROOT = options.root.resolve()
    settings.BUILD = options.build.resolve()
    options.output.mkdir(parents=True, exist_ok=True)
    results, here = {}, machine.describe()
    with contextlib.ExitStack() as stack:
        contenders = {"poprad": stack.enter_context(PopradServer())}
        if "million" in options.rows:
            contenders["poprad, a million"] = stack.enter_context(
                PopradServer(4 * settings.SUBSCRIBERS, settings.MILLION_POOL, online=settings.MILLION))
        if "restart" in options.rows:
            contenders["poprad, online"] = stack.enter_context(PopradServer(online=settings.SUBSCRIBERS))
        if "year" in options.rows:
            contenders["poprad, no past"] = stack.enter_context(PopradYear(0))
            contenders["poprad, a year"] = stack.enter_context(PopradYear(settings.YEAR))
        if not options.poprad_only:
            contenders["FreeRADIUS"] = stack.enter_context(freeradius.FreeRadius())
        for row in rows.ROWS:
            if row.name not in options.rows:
                continue
            results[row.name] = row.run(contenders, options.rounds, say)
            report.write_json(options.output / "results.json", here, results)
            text = report.markdown(here, rows.ROWS, results)
            (options.output / "results.md").write_text(text, encoding="utf-8")
            if row.name == "sweep":
                (options.output / "performance.svg").write_text(row.draw(results[row.name]), encoding="utf-8")
            say("\n".join(row.table(results[row.name])))
    print(text)


if __name__ == "__main__":
    main()
