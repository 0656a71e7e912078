#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
# Runs the tests of src/db that need a PostgreSQL server.
exec "${PYTHON:-/usr/bin/python3}" "$srcdir/tests/support/with_cluster.py" \
	./tests/unit/test_db_pgconn ./tests/unit/test_db_lane_live
