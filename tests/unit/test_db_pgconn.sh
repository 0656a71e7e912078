#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs test_db_pgconn, which needs a PostgreSQL server.
exec "${PYTHON:-/usr/bin/python3}" "$srcdir/tests/support/with_cluster.py" ./tests/unit/test_db_pgconn
