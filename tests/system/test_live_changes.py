# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What an operator enters takes effect on the next login, without a restart."""
from support.poprad import wait_for
from support.radius import *

LINES = """
popradctl nas add bank-8 127.0.8.0/24 --secret testing123 --kind cisco --group east
popradctl pool add east-dynamic 100.72.0.0/15 --group east
popradctl plan add silver --pool east-dynamic --sessions 1 --session-timeout 8h --idle-timeout 15m --interim 10m --filter to-general-customer-equipment
popradctl subscriber add line-8@isp.example --password secret7 --plan silver
"""


def log_in(client, login, password):
    """The accept, or None."""
    reply = client.login(login, password)
    return reply if reply is not None and reply.code == ACCESS_ACCEPT else None


def test_from_nothing_to_a_login_in_four_lines(server, make_client):
    for line in LINES.strip().splitlines():
        server.ctl(*line.split()[1:])
    client = make_client(server, "127.0.8.9")
    accept = wait_for(lambda: log_in(client, "line-8@isp.example", "secret7"), "the new subscriber to be accepted")
    assert accept.address().startswith(("100.72.", "100.73."))
    shown = server.ctl_json("session", "list", "--login", "line-8@isp.example")
    assert accept.address() in str(shown)


def test_a_password_from_standard_input(server, client):
    server.ctl("subscriber", "add", "stdin@isp.example", "--password-stdin", "--plan", "dialup", stdin="from-a-pipe\n")
    assert client.login("stdin@isp.example", "from-a-pipe").code == ACCESS_ACCEPT


def test_imported_subscribers_log_in(server, client):
    path = server.directory / "import.csv"
    path.write_text('login,password,plan,static_address\r\n"quoted@isp.example","com,ma ""q""",dsl-static,10.0.4.99\r\n')
    path.chmod(0o644)
    server.ctl("subscriber", "import", str(path))
    assert client.login("quoted@isp.example", 'com,ma "q"').address() == "10.0.4.99"


def test_a_changed_plan_applies_to_the_next_login(server, client, subscriber):
    server.ctl("plan", "add", "changing", "--pool", "dynamic", "--session-timeout", "1h")
    login, password = subscriber("--plan", "changing")
    assert client.login(login, password).number(SESSION_TIMEOUT) == 3600
    server.ctl("plan", "set", "changing", "--session-timeout", "2h")
    wait_for(lambda: client.login(login, password).number(SESSION_TIMEOUT) == 7200, "the changed plan to apply")


def test_a_removed_subscriber_is_unknown(server, client, subscriber):
    login, password = subscriber()
    server.ctl("subscriber", "remove", login)
    assert client.login(login, password).code == ACCESS_REJECT


def test_status_names_workers_and_counters(server):
    status = server.ctl_json("status")
    assert len(status["workers"]) == server.options["workers"]
    assert status["counters"]["packets_received"] > 0
