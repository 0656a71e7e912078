# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Policies against forged replies (CVE-2024-3596), and Status-Server."""
import os

import pytest

from support.poprad import wait_for
from support.radius import *


def wait_for_catalog(server, change):
    """Runs change and waits until every worker serves by the catalog that has it."""
    change()
    version = int(server.value("select poprad.catalog_version()"))
    wait_for(lambda: all(worker["counters"]["catalog_version"] >= version for worker in server.ctl_json("status")["workers"]),
        "the catalog")


@pytest.fixture
def add_nas(server):
    """Adds a NAS of the test's own and removes it again."""
    added = []

    def add(name, address, *words):
        added.append(name)
        wait_for_catalog(server, lambda: server.ctl(
            "nas", "add", name, address, "--secret", "testing123", "--kind", "cisco", *words))
    yield add
    for name in added:
        server.ctl("nas", "remove", name)


def test_yes_drops_what_is_not_signed(server, add_nas, make_client, dropped, subscriber):
    login, password = subscriber()
    add_nas("strict", "127.0.20.1", "--require-message-authenticator", "yes")
    client = make_client(server, "127.0.20.1")
    dropped(client, client.pap(login, password), "no_message_authenticator")
    assert client.login(login, password, sign=True).code == ACCESS_ACCEPT


def test_auto_demands_it_from_an_address_that_once_sent_it(server, add_nas, make_client, dropped, subscriber):
    login, password = subscriber()
    add_nas("learning", "127.0.21.0/24")
    learner, other = make_client(server, "127.0.21.1"), make_client(server, "127.0.21.2")
    assert learner.login(login, password).code == ACCESS_ACCEPT
    assert learner.status(server.auth_port) is not None
    assert learner.login(login, password).code == ACCESS_ACCEPT, "Status-Server teaches nothing"

    wait_for_catalog(server, lambda: learner.login(login, password, sign=True))
    dropped(learner, learner.pap(login, password), "no_message_authenticator")
    assert other.login(login, password).code == ACCESS_ACCEPT, "learned per source address"
    assert server.value("select count(*) from poprad.nas_learned where source = '127.0.21.1'") == "1"


def test_a_forged_message_authenticator_teaches_nothing(server, add_nas, make_client, dropped, subscriber):
    login, password = subscriber()
    add_nas("forged", "127.0.22.1")
    client = make_client(server, "127.0.22.1")
    forged = client.pap(login, password, [(MESSAGE_AUTHENTICATOR, bytes(16))])
    dropped(client, forged, "bad_message_authenticator")
    assert client.login(login, password).code == ACCESS_ACCEPT


def test_no_never_learns(server, add_nas, make_client, subscriber):
    login, password = subscriber()
    add_nas("lenient", "127.0.23.1", "--require-message-authenticator", "no")
    client = make_client(server, "127.0.23.1")
    assert client.login(login, password, sign=True).code == ACCESS_ACCEPT
    assert client.login(login, password).code == ACCESS_ACCEPT
    assert server.value("select count(*) from poprad.nas_learned where source = '127.0.23.1'") == "0"


def test_limit_proxy_state_drops_unsigned_requests_that_carry_it(server, add_nas, make_client, dropped, subscriber):
    login, password = subscriber()
    add_nas("limited", "127.0.24.1", "--require-message-authenticator", "no", "--limit-proxy-state", "yes")
    client = make_client(server, "127.0.24.1")
    dropped(client, client.pap(login, password, [(PROXY_STATE, b"1")]), "proxy_state")
    assert client.login(login, password, [(PROXY_STATE, b"1")], sign=True).code == ACCESS_ACCEPT


def test_without_the_limit_an_unsigned_proxy_state_passes(server, add_nas, make_client, subscriber):
    login, password = subscriber()
    add_nas("unlimited", "127.0.25.1", "--require-message-authenticator", "no", "--limit-proxy-state", "no")
    client = make_client(server, "127.0.25.1")
    assert client.login(login, password, [(PROXY_STATE, b"1")]).code == ACCESS_ACCEPT


def test_status_server_is_answered_on_both_ports(server, client):
    assert client.status(server.auth_port).code == ACCESS_ACCEPT
    assert client.status(server.acct_port).code == ACCOUNTING_RESPONSE


def test_status_server_must_be_signed(client, dropped):
    dropped(client, packet(STATUS_SERVER, 77, os.urandom(16), b""), "no_message_authenticator")


def test_a_nas_added_live_is_served_and_one_removed_is_not(server, make_client, subscriber):
    login, password = subscriber()
    client = make_client(server, "127.0.30.7", secret=b"live-secret")
    wait_for_catalog(server, lambda: server.ctl(
        "nas", "add", "live", "127.0.30.0/24", "--secret", "live-secret", "--kind", "cisco"))
    assert client.login(login, password).code == ACCESS_ACCEPT
    wait_for_catalog(server, lambda: server.ctl("nas", "set", "live", "--secret", "changed-secret"))
    changed = make_client(server, "127.0.30.7", secret=b"changed-secret")
    assert changed.login(login, password).code == ACCESS_ACCEPT
    wait_for_catalog(server, lambda: server.ctl("nas", "remove", "live"))
    default = make_client(server, "127.0.30.7")
    assert default.login(login, password).code == ACCESS_ACCEPT, "127.0.0.0/8 is the longest match again"


def test_the_longest_prefix_decides(server, add_nas, make_client, subscriber):
    login, password = subscriber()
    add_nas("wide", "127.0.40.0/24", "--require-message-authenticator", "yes")
    add_nas("narrow", "127.0.40.8/32", "--require-message-authenticator", "no")
    assert make_client(server, "127.0.40.8").login(login, password).code == ACCESS_ACCEPT
    strict = make_client(server, "127.0.40.9")
    assert strict.login(login, password, sign=True).code == ACCESS_ACCEPT
