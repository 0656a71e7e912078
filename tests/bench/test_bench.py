# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""The benchmark's own parts: arithmetic, tables, FreeRADIUS's configuration. Nothing is measured here."""
import os
import pathlib
import subprocess
import sys
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import figures  # noqa: E402
import freeradius  # noqa: E402
import measure  # noqa: E402
import picture  # noqa: E402
import processes  # noqa: E402
import row_limits  # noqa: E402
import rows  # noqa: E402


def test_spread_is_median_with_least_and_greatest():
    spread = figures.Spread([300.0, 100.0, 200.0, None])
    assert (spread.median, spread.least, spread.greatest) == (200, 100, 300)
    assert spread.text() == "200 (100 to 300)"
    assert figures.Spread([1234567.0]).text() == "1,234,567"


def test_ratios_are_taken_round_by_round():
    assert figures.ratios([10, 40], [1, 8]).median == 7.5


def test_storm_table_says_how_much_sooner_everybody_is_online():
    def round_of(seconds):
        return {"all_online_s": seconds, "cpu_us": {"server": 20.0, "database": 60.0, "generator": 10.0}}
    storm = next(row for row in rows.ROWS if row.name == "storm20k")
    lines = list(storm.table({"poprad": [round_of(1.0), round_of(2.0)],
                              "FreeRADIUS": [round_of(20.0), round_of(30.0)]}))
    assert "| poprad | 1.50 (1.00 to 2.00) |  |" in lines
    assert "| FreeRADIUS | 25.00 (20.00 to 30.00) | 17.5 (15.0 to 20.0)x |" in lines


def test_picture_has_every_point_and_leaves_out_what_has_no_logarithm():
    panel = picture.Panel("A & B", "offered", "p99", [("one", [(10, 1), (100, 5), (1000, 0)]), ("two", [(20, 2)])])
    root = ElementTree.fromstring(picture.draw([panel, panel], "both"))
    circles = root.findall(".//{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 2 * 3
    assert all(0 < float(circle.get("cx")) < picture.WIDTH for circle in circles)
    assert "A & B" in [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_cpu_is_taken_from_the_end_of_the_samples():
    sampler = measure.CpuSampler(None)
    sampler.samples = [(float(second), {"server": 2.0 * second}) for second in range(11)]
    assert sampler.used(3.5) == {"server": 7.0}
    assert sampler.used(100) == {"server": 20.0}


def test_processes_counts_children_that_have_ended():
    with subprocess.Popen([sys.executable, "-c", """
import subprocess, sys
subprocess.run([sys.executable, "-c", "sum(i * i for i in range(3000000))"], check=True)
print("done", flush=True)
sys.stdin.read()"""], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == b"done\n"
        assert processes.is_running(parent.pid)
        assert processes.cpu_seconds(parent.pid) > 0.05
        assert processes.proportional_kib(parent.pid) > 500
        parent.stdin.close()


def test_what_is_started_on_a_processor_stays_there():
    before = os.sched_getaffinity(0)
    one = {min(before)}
    with processes.kept_to(one):
        words = [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"]
        assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip() == str(one)
    assert os.sched_getaffinity(0) == before


def test_the_best_of_a_mix_lies_between_those_of_two_others():
    assert row_limits.begin_and_end({"start": 30, "interim": 120, "stop": 50}) == 0.4
    assert row_limits.share_of(8) == 0.2
    # 10 and 40 us a record: 25 us halfway.
    assert row_limits.rate_at(0.35, (0.2, 100_000), (0.5, 25_000)) == pytest.approx(40_000)
    assert row_limits.rate_at(0.2, (0.2, 100_000), (0.2, 90_000)) == 100_000


@pytest.mark.skipif(freeradius.problem() is not None, reason=str(freeradius.problem()))
@pytest.mark.parametrize("kind", freeradius.KINDS)
def test_freeradius_takes_its_configuration(tmp_path, kind):
    values = dict(folder=tmp_path, socket_folder=tmp_path, port=5432, auth_port=21812, acct_port=21813)
    (tmp_path / "radiusd.conf").write_text(freeradius.config(kind, **values), encoding="utf-8")
    done = subprocess.run([freeradius.PROGRAM, "-C", "-l", "stdout", "-d", tmp_path], text=True, capture_output=True,
                          timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
