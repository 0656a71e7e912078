# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What all Python tests share: one private PostgreSQL cluster per run, one database per test."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from support.cluster import Cluster  # noqa: E402


@pytest.fixture(scope="session")
def cluster():
    """A running cluster that every test may use, and none may stop."""
    with Cluster() as running:
        yield running


@pytest.fixture
def database(cluster):
    """A database with the schema and no rows, for one test."""
    made = cluster.database()
    yield made
    made.drop()
