# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Runs the driver that calls poprad's SQL functions directly."""

import json
import subprocess

import processes
import settings
from contender import DATABASE


def run(contender, mode, connections, batch, seconds):
    """find, login or account on a database that contender.fresh() has made; its figures."""
    conninfo = contender.cluster.conninfo(DATABASE, "poprad_server")
    words = [settings.BUILD / "tests" / "bench" / "ceiling", mode, conninfo, connections, batch, contender.subscribers,
             seconds]
    database = contender.cluster.process.pid
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True) as driver:
        if driver.stdout.readline() != "ready\n":
            raise RuntimeError(f"ceiling {mode} did not begin")
        before, own_before = processes.cpu_seconds(database), processes.cpu_seconds(driver.pid)
        figures = json.loads(driver.stdout.readline())
        after = processes.cpu_seconds(database)
        own = processes.cpu_seconds(driver.pid) - own_before
    if driver.returncode != 0 or figures["failed"]:
        raise RuntimeError(f"ceiling {mode}: exit status {driver.returncode}, {figures}")
    figures["rate"] = figures.pop("per_second")
    figures["cpu_us"] = {"database": 1e6 * (after - before) / figures["operations"],
                         "driver": 1e6 * own / figures["operations"]}
    return figures
