# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Fixtures of the system tests: the real programs against a real database.

POPRAD_ROOT names the prefix below which they are installed (default: var/root, where quickstart puts them).
"""
import itertools
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support import poprad, radius  # noqa: E402


numbers = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "once: not repeated under the sanitizers (it builds, or measures)")


def wait_until_serving(server):
    """Logins and accounting can be served: Status-Server is answered on both ports."""
    client = radius.Client(server)
    try:
        for port in (server.auth_port, server.acct_port):
            assert client.status(port, seconds=poprad.PATIENCE_S), server.log()[-3000:]
    finally:
        client.close()


@pytest.fixture(scope="session")
def server():
    """One server for all tests that break nothing. Each test brings its own subscribers."""
    instance = poprad.Poprad()
    try:
        instance.create_database()
        instance.start()
        wait_until_serving(instance)
        yield instance
    finally:
        instance.close()


@pytest.fixture
def make_server():
    """Servers for tests that break or configure something: make_server(reject_delay="1s")."""
    made = []

    def make(serving=True, **options):
        instance = poprad.Poprad(**options)
        made.append(instance)
        instance.create_database()
        if serving:
            instance.start()
            wait_until_serving(instance)
        return instance

    make.wait_until_serving = wait_until_serving
    yield make
    for instance in made:
        instance.close()


@pytest.fixture
def make_client(request):
    """make_client(server, source) opens a socket that is closed after the test."""
    made = []

    def make(server, source="127.0.0.1", secret=radius.SECRET):
        client = radius.Client(server, source, secret)
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(server, make_client):
    return make_client(server)


@pytest.fixture
def subscriber(server):
    """subscriber("--plan", "dsl-dynamic", ...) adds one that no other test uses and returns (login, password)."""
    def add(*words, password="let-me-in"):
        login = f"subscriber-{next(numbers)}@isp.example"
        if "--plan" not in words:
            words = ("--plan", "dialup", *words)
        server.ctl("subscriber", "add", login, "--password", password, *words)
        return login, password
    return add


@pytest.fixture
def dropped(server):
    """dropped(client, data, reason, port): the server says it dropped data for that reason, and answers nothing.

    A Status-Server from the same socket follows on the heels of data. Both reach the same worker in order, so when it
    has been answered, data has been dealt with.
    """
    def check(client, data, reason, port=None):
        port = port or server.auth_port
        before = server.counter(f"drop_{reason}")
        client.send(data, port)
        status = client.status_request()
        client.send(status, port)
        answer = client.receive(poprad.PATIENCE_S)
        assert answer is not None and answer[1] == status[1], "an answer to what should have been dropped"
        assert server.counter(f"drop_{reason}") == before + 1
    return check
