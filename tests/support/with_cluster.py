#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Runs test programs, one after the other, beside a private PostgreSQL cluster: with_cluster.py PROGRAM...

Each finds the connection string of an empty database of its own in POPRAD_TEST_DATABASE and may change the cluster's
settings. Exit status 0 if all succeed, 77 (automake's "skipped") if no PostgreSQL server is installed."""

import os
import subprocess
import sys

try:
    from cluster import Cluster, programs_folder
    programs_folder()
except (ImportError, RuntimeError) as problem:
    print(f"skipped: {problem}")
    sys.exit(77)

# synchronous replication can be asked for, so that a test can see what a missing standby does
SETTINGS = {"wal_level": "replica", "max_wal_senders": "2"}

with Cluster(settings=SETTINGS) as running:
    failed = []
    for number, program in enumerate(sys.argv[1:]):
        database = running.empty_database(f"poprad_{number}")
        environment = dict(os.environ, POPRAD_TEST_DATABASE=database.conninfo())
        if subprocess.run([program], env=environment, check=False).returncode != 0:
            failed.append(program)
    sys.exit(f"failed: {' '.join(failed)}" if failed else 0)
