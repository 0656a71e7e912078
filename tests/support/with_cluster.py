#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Runs a test program beside a private PostgreSQL cluster: with_cluster.py PROGRAM [ARGUMENT...]

The program finds the connection string of an empty database in POPRAD_TEST_DATABASE and may change the cluster's
settings; its exit status is ours. 77 (automake's "skipped") if no PostgreSQL server is installed."""

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
    database = running.empty_database("poprad")
    environment = dict(os.environ, POPRAD_TEST_DATABASE=database.conninfo())
    sys.exit(subprocess.run(sys.argv[1:], env=environment, check=False).returncode)
