# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What all parts of the benchmark agree on."""

import os
import pathlib

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ROOT = pathlib.Path(os.environ.get("POPRAD_ROOT") or SOURCE / "var" / "root")  # --root overrides it

BUILD = SOURCE / "build"  # --build overrides it

SUBSCRIBERS = 100_000
LOGIN, PASSWORD = "line-%d@isp.example", "secret%d"  # popradload's patterns; the numbers begin with 1
LOGIN_SQL, PASSWORD_SQL = "'line-' || n || '@isp.example'", "'secret' || n"
SCATTERED = "md5(n::text)"  # rows lie in this order, so that neighbours in number are none on disk
POOL = "100.64.0.0/14"  # 2^18 addresses
MILLION = 1_000_000  # that are online, besides four times SUBSCRIBERS that are not
MILLION_POOL = "100.64.0.0/11"  # 2^21
YEAR = int(os.environ.get("POPRAD_BENCH_YEAR") or 50_000_000)  # closed sessions; they take about 600 octets each
SECRET = "testing123"

FIRST_NAS, NASES, PORTS_A_NAS = "127.0.1.1", 20, 4

# Of both clusters, besides Cluster(durable=True): what `popradctl db start` gives its private cluster.
CLUSTER = {
    "shared_buffers": "4GB",
    "max_connections": "100",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_level": "replica",
    "max_wal_senders": "10",
    "autovacuum_naptime": "15s",
    "jit": "off",
    "timezone": "'UTC'",
}
