# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Octets that no decent client sends: each ends in a named drop or reject, or is stored harmlessly, and the server lives."""
import os
import struct
import time

import pytest

from support.poprad import wait_for
from support.radius import *


def access(body, length=None, code=ACCESS_REQUEST, identifier=9):
    data = packet(code, identifier, os.urandom(16), body)
    if length is not None:
        data = data[:2] + struct.pack("!H", length) + data[4:]
    return data


LOGIN = attribute(USER_NAME, "demo@isp.example")

BROKEN = {
    "three octets": (b"\x01\x01\x00", "too_short"),
    "header cut": (access(b"")[:19], "too_short"),
    "length field larger than the datagram": (access(LOGIN, length=400), "too_short"),
    "length field under 20": (access(LOGIN, length=19), "too_short"),
    "over 4096 octets": (access(attribute(18, b"x" * 253) * 17), "too_long"),
    "attribute of length 0": (access(LOGIN + b"\x02\x00"), "bad_attribute"),
    "attribute of length 1": (access(LOGIN + b"\x02\x01"), "bad_attribute"),
    "attribute past the end": (access(LOGIN + b"\x02\x20abc"), "bad_attribute"),
    "attribute of type 0": (access(LOGIN + b"\x00\x03x"), "bad_attribute"),
    "lone last octet": (access(LOGIN + b"\x02"), "bad_attribute"),
    "too many attributes": (access(LOGIN + attribute(18, b"") * 201), "too_many_attributes"),
    "code 0": (access(LOGIN, code=0), "bad_code"),
    "code 255": (access(LOGIN, code=255), "bad_code"),
    "a reply's code": (access(LOGIN, code=ACCESS_ACCEPT), "bad_code"),
    "accounting on the login port": (sign_accounting(ACCOUNTING_REQUEST, 9, LOGIN), "bad_code"),
    "Message-Authenticator of 15 octets": (access(LOGIN + attribute(80, bytes(15))), "bad_message_authenticator"),
    "wrong Message-Authenticator": (access(LOGIN + attribute(80, bytes(16))), "bad_message_authenticator"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_packet_is_dropped_with_its_reason(client, dropped, case):
    data, reason = BROKEN[case]
    dropped(client, data, reason)


def test_an_empty_datagram_is_dropped(client, dropped):
    dropped(client, b"", "too_short")


def test_two_message_authenticators_are_dropped_even_if_one_verifies(client, dropped):
    once = client.access_request([], LOGIN, sign=True)
    twice = with_message_authenticator(ACCESS_REQUEST, once[1], once[4:20], LOGIN + attribute(80, bytes(16)))
    dropped(client, twice, "bad_message_authenticator")


def test_a_wrong_secret_is_a_reject_for_logins_and_a_drop_for_accounting(server, client, dropped, subscriber):
    login, password = subscriber()
    authenticator = os.urandom(16)
    hidden = hide_password(password, authenticator, b"other")
    data = client.access_request([(USER_NAME, login), (USER_PASSWORD, hidden)], authenticator=authenticator)
    assert client.exchange(data, server.auth_port).code == ACCESS_REJECT
    body = attributes([(ACCT_STATUS_TYPE, START), (ACCT_SESSION_ID, "wrong-secret"), (USER_NAME, login)])
    dropped(client, sign_accounting(ACCOUNTING_REQUEST, 1, body, b"other"), "bad_authenticator", server.acct_port)


def test_a_wrong_secret_in_message_authenticator_is_dropped(client, dropped):
    data = with_message_authenticator(ACCESS_REQUEST, 3, os.urandom(16), LOGIN, b"other")
    dropped(client, data, "bad_message_authenticator")


def test_an_unknown_source_gets_no_answer(make_server, make_client):
    server = make_server()
    server.ctl("nas", "remove", "localhost")
    client = make_client(server)

    def is_unknown():
        client.send(client.pap("demo@isp.example", "dial-up"), server.auth_port)
        return server.counter("drop_unknown_nas") > 0
    wait_for(is_unknown, "requests of a removed NAS to be dropped")
    while client.receive(0) is not None:
        pass  # answers from before the removal arrived
    before = server.counter("drop_unknown_nas")
    client.send(client.pap("demo@isp.example", "dial-up"), server.auth_port)
    wait_for(lambda: server.counter("drop_unknown_nas") == before + 1, "the drop")
    assert client.receive(0) is None


def test_octets_behind_the_length_field_are_padding(server, client, subscriber):
    login, password = subscriber()
    data = client.pap(login, password)
    assert client.exchange(data + b"padding", server.auth_port).code == ACCESS_ACCEPT


TRAPS = {
    "Tunnel-Password of junk": attribute(TUNNEL_PASSWORD, b"\x01\x80\x01" + b"\xaa" * 31),
    "Tunnel-Password of one octet": attribute(TUNNEL_PASSWORD, b"\x01"),
    "NAS-Filter-Rule with a NUL": attribute(NAS_FILTER_RULE, b"permit in ip from any to any\x00"),
    "NAS-Filter-Rule of NULs": attribute(NAS_FILTER_RULE, bytes(253)) * 3,
    "unknown attribute": attribute(250, b"what is this"),
    "unknown vendor": vendor(16777215, 1, b"who is this"),
    "vendor attribute cut short": attribute(26, b"\x00\x00\x01\x37"),
    "vendor attribute with a wrong inner length": attribute(26, b"\x00\x00\x01\x37\x01\xff\x00"),
    "extended attribute cut short": attribute(241, b"\x01") + attribute(245, b"\x01"),
    "long extended fragments": b"".join(attribute(245, b"\x01\x80" + b"x" * 251) for _ in range(4)),
    "NAS-IP-Address of three octets": attribute(NAS_IP_ADDRESS, b"abc"),
    "NAS-Port of one octet": attribute(NAS_PORT, b"\x07"),
    "zero-length values": b"".join(attribute(number, b"") for number in (4, 5, 6, 7, 25, 30, 31, 32, 61, 87)),
    "values of 253 octets": b"".join(attribute(number, b"v" * 253) for number in (25, 30, 31, 32, 77, 87)),
    "invalid UTF-8 and NUL": b"".join(attribute(number, b"\xff\x00\xfe\\") for number in (30, 31, 32, 77, 87)),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_login_with_strange_attributes_is_served(server, client, subscriber, trap):
    login, password = subscriber()
    data = client.access_request([(USER_NAME, login), ("password", password)], TRAPS[trap])
    reply = client.exchange(data, server.auth_port)
    assert reply is not None and reply.code == ACCESS_ACCEPT


@pytest.mark.parametrize("trap", TRAPS)
def test_accounting_with_strange_attributes_is_stored(server, client, trap):
    login = f"strange-{list(TRAPS).index(trap)}"
    data = client.accounting_request([(ACCT_STATUS_TYPE, START), (ACCT_SESSION_ID, login), (USER_NAME, login)],
                                     TRAPS[trap])
    reply = client.exchange(data, server.acct_port)
    assert reply is not None and reply.code == ACCOUNTING_RESPONSE
    assert server.value(f"select count(*) from radius.radacct where username = '{login}'") == "1"


NAMES = {
    "empty": (b"", "no_user_name"),
    "NUL inside": (b"demo@isp.example\x00x", "unknown_subscriber"),
    "NUL only": (b"\x00", "unknown_subscriber"),
    "invalid UTF-8": (b"\xff\xfe@isp.example", "unknown_subscriber"),
    "backslashes": (b"a\\x41\\", "unknown_subscriber"),
    "SQL": (b"'; drop table poprad.subscriber; --", "unknown_subscriber"),
    "array text": (b'{"a",NULL}', "unknown_subscriber"),
    "253 octets": (b"n" * 253, "unknown_subscriber"),
}


@pytest.mark.parametrize("case", NAMES)
def test_a_strange_user_name_is_a_reject(server, client, case):
    name, reason = NAMES[case]
    before = server.counter(f"reject_{reason}")
    reply = client.exchange(client.access_request([(USER_NAME, name), ("password", "x")]), server.auth_port)
    assert reply.code == ACCESS_REJECT
    assert server.counter(f"reject_{reason}") == before + 1


@pytest.mark.parametrize("case", NAMES)
def test_accounting_with_a_strange_user_name_is_stored(server, client, case):
    session_id = f"name-{list(NAMES).index(case)}"
    reply = client.account(START, session_id, NAMES[case][0])
    assert reply.code == ACCOUNTING_RESPONSE
    assert server.value(f"select count(*) from radius.radacct where acctsessionid = '{session_id}'") == "1"


@pytest.mark.parametrize("size", [0, 15, 17, 144])
def test_a_user_password_of_a_wrong_size_is_a_reject(server, client, subscriber, size):
    login, _ = subscriber()
    before = server.counter("reject_bad_password_attribute")
    data = client.access_request([(USER_NAME, login), (USER_PASSWORD, bytes(size))])
    assert client.exchange(data, server.auth_port).code == ACCESS_REJECT
    assert server.counter("reject_bad_password_attribute") == before + 1


MALFORMED = {
    "CHAP-Password too short": attribute(CHAP_PASSWORD, b"short"),
    "CHAP-Password empty": attribute(CHAP_PASSWORD, b""),
    "MS-CHAP-Response too short": vendor(MICROSOFT, MS_CHAP_CHALLENGE, b"8 octets") + vendor(
        MICROSOFT, MS_CHAP_RESPONSE, b"short"),
    "MS-CHAP2-Response of one octet": vendor(MICROSOFT, MS_CHAP_CHALLENGE, bytes(16)) + vendor(
        MICROSOFT, MS_CHAP2_RESPONSE, b"x"),
    "MS-CHAP-Challenge of a wrong size": vendor(MICROSOFT, MS_CHAP_CHALLENGE, b"odd") + vendor(
        MICROSOFT, MS_CHAP2_RESPONSE, bytes(50)),
    "MS-CHAP without challenge": vendor(MICROSOFT, MS_CHAP2_RESPONSE, bytes(50)),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_challenge_response_is_a_reject(server, client, subscriber, case):
    login, _ = subscriber()
    before = server.counter("reject_bad_password_attribute")
    data = client.access_request([(USER_NAME, login)], MALFORMED[case])
    assert client.exchange(data, server.auth_port).code == ACCESS_REJECT
    assert server.counter("reject_bad_password_attribute") == before + 1


NOW = int(time.time())

ABSURD = {
    "all ones": [(ACCT_INPUT_OCTETS, 2**32 - 1), (ACCT_INPUT_GIGAWORDS, 2**32 - 1), (ACCT_SESSION_TIME, 2**32 - 1)],
    "delay of a century": [(ACCT_DELAY_TIME, 2**32 - 1)],
    "event at the epoch": [(EVENT_TIMESTAMP, 0)],
    "event in 2106": [(EVENT_TIMESTAMP, 2**32 - 1)],
    "event two days ago": [(EVENT_TIMESTAMP, NOW - 2 * 86400)],
    "session longer than time": [(EVENT_TIMESTAMP, NOW), (ACCT_SESSION_TIME, 2**31)],
    "port of all ones": [(NAS_PORT, 2**32 - 1)],
    "cause that nobody knows": [(ACCT_TERMINATE_CAUSE, 2**32 - 1)],
}


@pytest.mark.parametrize("status", [START, INTERIM, STOP])
@pytest.mark.parametrize("case", ABSURD)
def test_absurd_numbers_are_stored_and_stay_plausible(server, client, case, status):
    session_id = f"absurd-{list(ABSURD).index(case)}-{status}"
    assert client.account(status, session_id, "absurd", ABSURD[case]).code == ACCOUNTING_RESPONSE
    row = server.sql(f"""select acctinputoctets >= 0, acctsessiontime >= 0,
        acctstarttime between now() - interval '200 years' and now() + interval '2 days'
        from radius.radacct where acctsessionid = '{session_id}'""")
    assert len(row) == 1 and set(row[0]) <= {"t", ""}, row


def test_counters_that_go_back_never_lower_the_total(server, client):
    for status, count in ((START, 0), (INTERIM, 5000), (INTERIM, 1000), (STOP, 4000)):
        pairs = [(ACCT_INPUT_OCTETS, count), (ACCT_SESSION_TIME, count // 100), (ACCT_INPUT_GIGAWORDS, 0)]
        assert client.account(status, "back", "backwards", pairs).code == ACCOUNTING_RESPONSE
    assert server.value("select acctinputoctets from radius.radacct where acctsessionid = 'back'") == "5000"


@pytest.mark.parametrize("status", [0, 4, 9, 15, 2**32 - 1])
def test_an_unusual_status_type_is_answered_and_touches_no_session(server, client, status):
    assert client.account(status, f"unusual-{status}", "unusual").code == ACCOUNTING_RESPONSE
    assert server.value(f"select count(*) from radius.radacct where acctsessionid = 'unusual-{status}'") == "0"
    assert server.value(f"""select count(*) from poprad.accounting_other
        where acct_session_id = 'unusual-{status}'""") == "1"


def test_accounting_without_status_type_is_dropped(server, client, dropped):
    data = client.accounting_request([(ACCT_SESSION_ID, "none"), (USER_NAME, "none")])
    dropped(client, data, "bad_contents", server.acct_port)


def test_random_octets_do_not_harm(server, client):
    """Reproducible noise, most of it with a plausible header."""
    state = 12345
    for _ in range(2000):
        noise = b""
        while len(noise) < 60:
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            noise += struct.pack("!Q", state)
        size = 20 + state % 41
        client.send(bytes([1 + state % 12]) + noise[1:2] + struct.pack("!H", size) + noise[4:size], server.auth_port)
        client.send(sign_accounting(ACCOUNTING_REQUEST, state % 256, noise[20:size]), server.acct_port)
    assert client.status(server.auth_port) is not None
    assert client.status(server.acct_port) is not None
    server.check_log()
