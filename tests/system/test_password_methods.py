# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Every method against every stored form of a password."""
import base64
import crypt
import hashlib
import os

import pytest

from support.radius import *

PASSWORD = "Grüße 42"


def ssha(password):
    salt = b"saltsalt"
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


FORMS = {
    "cleartext": PASSWORD,
    "nt": "{nt}" + nt_hash(PASSWORD).hex(),
    "yescrypt": crypt.crypt(PASSWORD, "$y$j9T$saltsaltsalt$"),
    "sha512": crypt.crypt(PASSWORD, "$6$saltsalt$"),
    "sha256": crypt.crypt(PASSWORD, "$5$saltsalt$"),
    "bcrypt": crypt.crypt(PASSWORD, "$2b$05$abcdefghijklmnopqrstuu"),
    "md5crypt": crypt.crypt(PASSWORD, "$1$saltsalt$"),
    "ssha": ssha(PASSWORD),
}
CAN_CHAP = {"cleartext"}
CAN_MSCHAP = {"cleartext", "nt"}


def pap(client, login, password):
    return client.login(login, password)


def chap(client, login, password):
    """The challenge is an attribute of its own."""
    challenge = os.urandom(16)
    response = b"\x05" + hashlib.md5(b"\x05" + password.encode() + challenge).digest()
    data = client.access_request([(USER_NAME, login), (CHAP_PASSWORD, response), (CHAP_CHALLENGE, challenge)])
    return client.exchange(data, client.server.auth_port)


def mschap1(client, login, password):
    challenge = os.urandom(8)
    body = vendor(MICROSOFT, MS_CHAP_CHALLENGE, challenge) + vendor(
        MICROSOFT, MS_CHAP_RESPONSE, mschap1_response(challenge, password))
    return client.exchange(client.access_request([(USER_NAME, login)], body), client.server.auth_port)


def mschap2(client, login, password):
    challenge = os.urandom(16)
    body = vendor(MICROSOFT, MS_CHAP_CHALLENGE, challenge) + vendor(
        MICROSOFT, MS_CHAP2_RESPONSE, mschap2_response(challenge, os.urandom(16), login, password))
    return client.exchange(client.access_request([(USER_NAME, login)], body), client.server.auth_port)


@pytest.fixture
def stored(server, subscriber):
    """Adds a subscriber whose password is stored in this form."""
    def add(form):
        login, _ = subscriber(password=FORMS[form])
        return login
    return add


@pytest.mark.parametrize("form", FORMS)
def test_pap_works_with_every_form(client, stored, form):
    login = stored(form)
    assert pap(client, login, PASSWORD).code == ACCESS_ACCEPT
    assert pap(client, login, PASSWORD + "x").code == ACCESS_REJECT
    assert pap(client, login, "").code == ACCESS_REJECT


@pytest.mark.parametrize("method, able, reason", [
    (chap, CAN_CHAP, "password_form_chap"),
    (mschap1, CAN_MSCHAP, "password_form_mschap"),
    (mschap2, CAN_MSCHAP, "password_form_mschap"),
])
@pytest.mark.parametrize("form", FORMS)
def test_challenge_methods_work_where_the_form_allows_and_say_why_not(server, client, stored, form, method, able, reason):
    login = stored(form)
    if form in able:
        assert method(client, login, PASSWORD).code == ACCESS_ACCEPT
        assert method(client, login, PASSWORD + "x").code == ACCESS_REJECT
        return
    before = server.counter(f"reject_{reason}")
    assert method(client, login, PASSWORD).code == ACCESS_REJECT
    assert server.counter(f"reject_{reason}") == before + 1


def test_chap_without_challenge_attribute_uses_the_request_authenticator(server, client, subscriber):
    login, password = subscriber()
    authenticator = os.urandom(16)
    response = b"\x09" + hashlib.md5(b"\x09" + password.encode() + authenticator).digest()
    data = client.access_request([(USER_NAME, login), (CHAP_PASSWORD, response)], authenticator=authenticator)
    assert client.exchange(data, server.auth_port).code == ACCESS_ACCEPT


def test_mschap2_proves_that_the_server_knows_the_password_and_hands_out_keys(server, client, subscriber):
    login, password = subscriber()
    challenge, authenticator = os.urandom(16), os.urandom(16)
    response = mschap2_response(challenge, os.urandom(16), login, password, identifier=77)
    body = vendor(MICROSOFT, MS_CHAP_CHALLENGE, challenge) + vendor(MICROSOFT, MS_CHAP2_RESPONSE, response)
    reply = client.exchange(client.access_request([(USER_NAME, login)], body, authenticator=authenticator),
                            server.auth_port)
    assert reply.code == ACCESS_ACCEPT
    assert reply.vendor(MICROSOFT, MS_CHAP2_SUCCESS) == mschap2_success(challenge, response, login, password)
    send_key, receive_key = mppe_keys(response, password)
    assert reveal_salted(reply.vendor(MICROSOFT, MS_MPPE_SEND_KEY), authenticator) == send_key
    assert reveal_salted(reply.vendor(MICROSOFT, MS_MPPE_RECV_KEY), authenticator) == receive_key


@pytest.mark.parametrize("method", [mschap1, mschap2])
def test_an_mschap_reject_carries_ms_chap_error(client, subscriber, method):
    login, _ = subscriber()
    reply = method(client, login, "wrong")
    assert reply.code == ACCESS_REJECT
    assert b"E=691" in reply.vendor(MICROSOFT, MS_CHAP_ERROR)


def test_a_slow_hash_does_not_stall_other_logins(server, make_client, subscriber):
    """The one with the slow hash is sent first and answered last."""
    slow_login, slow_password = subscriber(password="slow")
    server.sql(f"update poprad.subscriber set password = '{crypt.crypt('slow', '$2b$14$abcdefghijklmnopqrstuu')}' "
               f"where login = '{slow_login}'")
    quick_login, quick_password = subscriber()
    slow, quick = make_client(server), make_client(server)
    slow.send(slow.pap(slow_login, slow_password), server.auth_port)
    assert quick.login(quick_login, quick_password).code == ACCESS_ACCEPT
    assert slow.receive(0) is None
    answer = slow.receive(60)
    assert answer is not None and answer[0] == ACCESS_ACCEPT


def test_a_password_of_128_octets_works(client, subscriber):
    password = "p" * 128
    login, _ = subscriber(password=password)
    assert client.login(login, password).code == ACCESS_ACCEPT
    assert client.login(login, password[:-1]).code == ACCESS_REJECT
