# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""popradctl why: each way to fail is made with radclient, and read in plain words."""
import re
import subprocess

import pytest

from support.poprad import wait_for
from support.radius import SECRET

CRYPT = "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1"


@pytest.fixture
def radclient(server):
    """radclient("User-Name = x", ..., secret=...): what it says of the answer, or that there was none."""
    def ask(*attributes, secret=SECRET.decode()):
        done = subprocess.run(["radclient", "-x", "-r", "1", "-t", "3", f"127.0.0.1:{server.auth_port}", "auth", secret],
                              input="\n".join(attributes) + "\n", text=True, capture_output=True, timeout=60)
        return done.stdout + done.stderr
    return ask


@pytest.fixture
def why(server):
    """why(login, ..., attempts=1): the words of popradctl why once so many attempts of the login are stored."""
    def read(login, *words, attempts=1):
        stored = f"select count(*) from poprad.auth_attempt where login = '{login}'"
        wait_for(lambda: int(server.value(stored)) >= attempts,
                 f"{attempts} attempts of {login} to be stored")
        return server.ctl("why", login, *words)
    return read


def test_wrong_password(radclient, why, subscriber):
    login, _ = subscriber()
    for _ in range(3):
        assert "Access-Reject" in radclient(
            f"User-Name = {login}", "User-Password = wrong", "Calling-Station-Id = 0255501234", "NAS-Port = 9")
    text = why(login, attempts=3)
    assert f"{login}: active, plan dialup, does not expire." in text
    assert "The stored password is in clear: PAP, CHAP and MS-CHAP can verify it." in text
    assert "Not online." in text
    assert re.search(r"  wrong password: 3 attempts since [-0-9: ]+, the last at [-0-9: ]+, from 0255501234, on \S+ "
                     r"\(127.0.0.1\) port 9, with pap\.\n    The password is wrong\.\n    What to do: ", text), text
    of_login, _, _ = text.partition("Packets of the last day")  # other tests' packets stand there
    assert of_login.count("To the customer: ") == 1


def test_guesses_are_held_back(make_server):
    server = make_server(workers=1, reject_delay="200ms", guess_delay="800ms")
    server.ctl("subscriber", "add", "guessed@isp.example", "--password", "let-me-in", "--plan", "dialup")

    def ask(password):
        done = subprocess.run(
            ["radclient", "-x", "-r", "1", "-t", "30", f"127.0.0.1:{server.auth_port}", "auth", SECRET.decode()],
            input=f"User-Name = guessed@isp.example\nUser-Password = {password}\nCalling-Station-Id = 0255501234\n",
            text=True, capture_output=True, timeout=60)
        return done.stdout
    for _ in range(4):
        assert "Access-Reject" in ask("guess")
    assert "Access-Accept" in ask("let-me-in")
    assert server.counter("guesses_held") == 3
    wait_for(lambda: server.value("select count(*) from poprad.auth_attempt") == "5", "the attempts to be stored")
    assert server.sql("select held_ms from poprad.auth_attempt order by attempted_at") == [
        ("",), ("400",), ("800",), ("800",), ("",)]
    text = server.ctl("why", "guessed@isp.example")
    assert re.search(r"  wrong password: 4 attempts .*\n    So many were wrong that the answers were held back, the longest "
                     r"for 0.8 s; the right password is let in at once\.\n    The password is wrong\.", text), text
    before, after = text.split("  wrong password: 4", 1)
    assert "  accepted: 1 attempt" in before and "held back" not in before


def test_a_hash_cannot_verify_chap(radclient, why, subscriber):
    login, _ = subscriber(password=CRYPT)
    assert "Access-Reject" in radclient(f"User-Name = {login}", "CHAP-Password = secret")
    text = why(login)
    assert "The stored password is a crypt hash: PAP can verify it, CHAP and MS-CHAP cannot." in text
    assert re.search(r"  But \S+ \(127.0.0.1\) sends CHAP\.", text), text
    assert "  password form chap: 1 attempt at" in text


def test_unknown_login(radclient, why, subscriber):
    login, password = subscriber()
    typed = login.replace("subscriber", "subsriber")
    assert "Access-Reject" in radclient(f"User-Name = {typed}", f"User-Password = {password}")
    text = why(typed)
    assert f"{typed}: there is no such subscriber.\n  Similar logins: {login}\n" in text
    assert "  unknown subscriber: 1 attempt at" in text


def test_suspended(radclient, why, server, subscriber):
    login, password = subscriber()
    server.ctl("subscriber", "suspend", login)
    assert "Access-Reject" in radclient(f"User-Name = {login}", f"User-Password = {password}")
    text = why(login)
    assert f"{login}: suspended, plan dialup" in text and "popradctl subscriber resume" in text
    assert "  suspended: 1 attempt at" in text


def test_expired(radclient, why, server, subscriber):
    login, password = subscriber()
    server.ctl("subscriber", "set", login, "--expires", "2020-01-31")
    assert "Access-Reject" in radclient(f"User-Name = {login}", f"User-Password = {password}")
    text = why(login)
    assert "expired at 2020-01-31 00:00:00." in text and "  expired: 1 attempt at" in text


def test_another_line_than_the_one_that_was_learned(radclient, why, server, subscriber):
    login, password = subscriber()
    server.ctl("subscriber", "set", login, "--learn-calling-station", "yes")
    credentials = (f"User-Name = {login}", f"User-Password = {password}", "Service-Type = Framed-User")
    assert "Access-Accept" in radclient(*credentials, "Calling-Station-Id = 00-11-22-33-44-55", "NAS-Port = 1")
    assert "Access-Accept" in radclient(*credentials, "Calling-Station-Id = 0011.2233.4455", "NAS-Port = 1")
    answer = radclient(*credentials, "Calling-Station-Id = 00-11-22-33-44-66", "NAS-Port = 1")
    assert 'Reply-Message = "Not from this line"' in answer
    text = why(login, attempts=3)
    assert re.search(r"  Only from calling station 001122334455, learned at [-0-9: ]+\.", text), text
    assert re.search(r"  other calling station: 1 attempt at [-0-9: ]+, from 00-11-22-33-44-66, on .*\n    He came from calling "
                     r"station 00-11-22-33-44-66 instead of 001122334455\.\n    The subscriber may not", text), text
    assert "To the customer: Your account cannot be used from this line." in text
    assert server.ctl("subscriber", "forget-station", login) == "it was 001122334455; the next login teaches another\n"
    assert "Access-Accept" in radclient(*credentials, "Calling-Station-Id = 00-11-22-33-44-66", "NAS-Port = 2")
    assert "Only from calling station 001122334466, learned at " in why(login, attempts=4)


def test_what_came_and_what_was_expected(radclient, why, server, subscriber):
    login, password = subscriber()
    credentials = (f"User-Name = {login}", f"User-Password = {password}", "Service-Type = Framed-User")
    server.ctl("subscriber", "set", login, "--called-station", "02555*", "--called-station", "0256")
    radclient(*credentials, "Called-Station-Id = 0255", "NAS-Port = 1")
    server.ctl("subscriber", "set", login, "--no-called-stations", "--nas-port-type", "Ethernet")
    radclient(*credentials, "NAS-Port-Type = Virtual", "NAS-Port = 1")
    radclient(*credentials, "NAS-Port = 1")
    server.ctl("nas", "add", "elsewhere", "192.0.2.79/32", "--secret", "s", "--kind", "cisco", "--group", "elsewhere")
    server.ctl("subscriber", "set", login, "--no-nas-port-types", "--nas-group", "elsewhere")
    radclient(*credentials, "NAS-Port = 1")
    why(login, attempts=4)
    details = server.sql(f"select detail from poprad.auth_attempt where login = '{login}' order by attempted_at")
    assert details[:3] == [("to called station 0255 instead of 02555*, 0256",), ("over a port of type Virtual instead of Ethernet",),
                           ("without a type of port instead of Ethernet",)]
    assert re.fullmatch(r"through a NAS of (no group|group \S+) instead of elsewhere", details[3][0])
    assert " came=\"to called station 0255 instead of 02555*, 0256\"" in server.log()


def test_a_session_whose_attempt_is_not_stored(radclient, why, server, subscriber):
    login, password = subscriber()
    assert "Access-Accept" in radclient(f"User-Name = {login}", f"User-Password = {password}", "Service-Type = Framed-User")
    why(login)
    server.sql(f"delete from poprad.auth_attempt where login = '{login}'")
    text = why(login, attempts=0)
    assert "Let in, but its NAS has not reported the session's start; since " in text
    assert "No attempt of this login is known.\n  The login behind that session has left no row, or not yet: " in text
    assert "does not get as far as the NAS" not in text


def test_no_password_at_all(radclient, why, subscriber):
    login, _ = subscriber()
    radclient(f"User-Name = {login}", "NAS-Port = 1")
    assert "  no credential: 1 attempt at" in why(login)


def test_a_service_that_the_plan_does_not_have(radclient, why, subscriber):
    login, password = subscriber()
    radclient(f"User-Name = {login}", f"User-Password = {password}", "Service-Type = NAS-Prompt-User")
    assert "  service not allowed: 1 attempt at" in why(login)


def test_too_many_sessions(radclient, why, server, subscriber):
    login, password = subscriber("--sessions", "1")
    who = [f"User-Name = {login}", f"User-Password = {password}"]
    assert "Access-Accept" in radclient(*who, "NAS-Port = 101")
    server.sql(f"update poprad.session set state = 'active', authorised_until = null, started_at = now() "
               f"where user_name = '{login}'")
    assert "Access-Reject" in radclient(*who, "NAS-Port = 102")
    text = why(login, attempts=2)
    assert re.search(r"Online since [-0-9: ]+ on \S+ \(127.0.0.1\) port 101, address [.0-9]+ \(session [-0-9a-f]+\)\.\n"
                     r"At most 1 at a time\.", text), text
    assert "  session limit: 1 attempt at" in text and "  accepted: 1 attempt at" in text
    assert re.search(r"    sent: Service-Type=2 .*Session-Timeout=", text), text


def test_accepted_and_not_started(radclient, why, subscriber):
    login, password = subscriber()
    assert "Access-Accept" in radclient(f"User-Name = {login}", f"User-Password = {password}")
    text = why(login)
    assert "Let in, but its NAS has not reported the session's start; since" in text
    assert password not in text and "testing123" not in text


def test_wrong_secret(radclient, why, server, subscriber, dropped_row):
    login, password = subscriber()
    radclient(f"User-Name = {login}", f"User-Password = {password}", "Message-Authenticator = 0x00", secret="other")
    dropped_row("bad_message_authenticator")
    text = why(login, attempts=0)
    assert "No attempt of this login is known." in text
    assert re.search(r"  bad message authenticator: from \S+ \(127\.0\.0\.1\) ", text), text
    # below the newest of them, which may be another test's
    assert re.search(r"    A Message-Authenticator that .*\n    What to do: The secret there", text), text


@pytest.fixture
def dropped_row(server):
    def wait(reason):
        wait_for(lambda: server.value("select count(*) from poprad.auth_attempt "
                                      f"where reason = '{reason}' and nas_address = '127.0.0.1'") != "0",
                 f"an attempt with {reason}")
    return wait


def test_unknown_nas(make_server, make_client):
    server = make_server()
    server.sql("delete from poprad.nas_learned; delete from poprad.nas where prefix <<= '127.0.0.0/8'")
    version = int(server.value("select poprad.catalog_version()"))
    wait_for(lambda: all(worker["counters"]["catalog_version"] >= version
                         for worker in server.ctl_json("status")["workers"]), "the catalog")
    client = make_client(server)
    for _ in range(20):
        client.send(client.pap("demo@isp.example", "dial-up"), server.auth_port)
    wait_for(lambda: server.counter("drop_unknown_nas") == 20, "the packets to be dropped")
    wait_for(lambda: server.counter("attempts_stored") >= 1, "a row")
    assert server.counter("attempts_limited") >= 18
    text = server.ctl("why", "demo@isp.example")
    assert re.search(r"  unknown nas: from 127.0.0.1 (at|in 2 minutes since) ", text), text
    assert "popradctl nas add" in text


def test_attempts_of_one_nas_and_json(radclient, why, server, subscriber):
    login, _ = subscriber()
    radclient(f"User-Name = {login}", "User-Password = wrong")
    why(login)
    document = server.ctl_json("why", login)
    nas = document["attempts"][0]["nas"]
    assert document["attempts"][0]["reason"] == "wrong_password" and document["password"] == "cleartext"
    assert "popradctl subscriber set" in document["advice"]["wrong_password"]["help"]
    assert "wrong password" in why(login, "--nas", nas, "--last", "1")
    assert server.run("why", login, "--nas", "no-such-nas") == (
        1, "", "popradctl: there is no nas no-such-nas (see popradctl nas list)\n")


def test_what_came_from_the_network_cannot_move_the_cursor(server, make_client, why, subscriber):
    login, _ = subscriber()
    client = make_client(server)
    client.login(login, "wrong", [(31, b"0255\x1b[2J")])
    text = why(login)
    assert "\x1b" not in text and "0255\\x1b[2J" in text


def test_switched_off(make_server, make_client):
    server = make_server(attempts_keep="0")
    client = make_client(server)
    client.login("demo@isp.example", "wrong")
    server.stop()
    assert server.value("select count(*) from poprad.auth_attempt") == "0"


def test_a_stop_stores_what_is_known(make_server, make_client):
    server = make_server()
    client = make_client(server)
    client.login("demo@isp.example", "wrong")
    server.stop()
    assert server.value("select count(*) from poprad.auth_attempt") == "1"


def test_a_locked_table_holds_up_nobody(make_server, make_client):
    server = make_server(lock_timeout="200ms")
    client = make_client(server)
    locker = subprocess.Popen(
        ["psql", "-X", "-q", "-h", f"{server.directory}/postgresql/socket", "-d", "poprad", "-U", "postgres"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/")
    try:
        locker.stdin.write("begin; lock table poprad.auth_attempt in access exclusive mode;\n\\echo locked\n")
        locker.stdin.flush()
        assert locker.stdout.readline() == "locked\n"
        for _ in range(20):
            assert client.login("demo@isp.example", "wrong").code == 3
        assert server.counter("attempts_stored") == 0
    finally:
        locker.communicate()
    wait_for(lambda: server.counter("attempts_stored") == 20, "the attempts to be stored after all")
