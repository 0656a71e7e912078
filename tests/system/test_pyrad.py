# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""pyrad as the access server: a client whose packets and checks we did not write. It discards a reply whose
authenticator does not verify, and then reports a timeout."""
import hashlib
import io
import secrets

import pytest
from pyrad import packet
from pyrad.client import Client
from pyrad.dictionary import Dictionary

from support import poprad

# pyrad cannot read FreeRADIUS's own files ("Illegal type: vsa").
DICTIONARY = """
ATTRIBUTE User-Name 1 string
ATTRIBUTE User-Password 2 string
ATTRIBUTE CHAP-Password 3 octets
ATTRIBUTE NAS-IP-Address 4 ipaddr
ATTRIBUTE NAS-Port 5 integer
ATTRIBUTE Framed-Protocol 7 integer
ATTRIBUTE Framed-IP-Address 8 ipaddr
ATTRIBUTE Framed-IP-Netmask 9 ipaddr
ATTRIBUTE Filter-Id 11 string
ATTRIBUTE Reply-Message 18 string
ATTRIBUTE Class 25 octets
ATTRIBUTE Session-Timeout 27 integer
ATTRIBUTE Acct-Status-Type 40 integer
ATTRIBUTE Acct-Input-Octets 42 integer
ATTRIBUTE Acct-Output-Octets 43 integer
ATTRIBUTE Acct-Session-Id 44 string
ATTRIBUTE Acct-Session-Time 46 integer
ATTRIBUTE Acct-Terminate-Cause 49 integer
ATTRIBUTE CHAP-Challenge 60 octets
VALUE Framed-Protocol PPP 1
VALUE Acct-Status-Type Start 1
VALUE Acct-Status-Type Stop 2
VALUE Acct-Terminate-Cause User-Request 1
"""


@pytest.fixture
def nas(server):
    client = Client(server="127.0.0.1", authport=server.auth_port, acctport=server.acct_port, secret=b"testing123",
        dict=Dictionary(io.StringIO(DICTIONARY)))
    client.timeout = poprad.PATIENCE_S
    client.retries = 1
    return client


def login_request(nas, login, **attributes):
    request = nas.CreateAuthPacket(code=packet.AccessRequest, User_Name=login, NAS_IP_Address="127.0.0.1", **attributes)
    request.authenticator = packet.Packet.CreateAuthenticator()
    return request


def test_a_session_from_login_to_stop(server, nas, subscriber):
    login, password = subscriber()
    request = login_request(nas, login, NAS_Port=501)
    request["User-Password"] = request.PwCrypt(password)
    accept = nas.SendPacket(request)
    assert accept.code == packet.AccessAccept
    assert accept["Framed-Protocol"] == ["PPP"] and accept["Framed-IP-Netmask"] == ["255.255.255.255"]
    assert accept["Filter-Id"] == ["to-general-customer-equipment.out", "from-general-customer-equipment.in"]
    address, = accept["Framed-IP-Address"]

    common = {"User_Name": login, "NAS_IP_Address": "127.0.0.1", "NAS_Port": 501, "Acct_Session_Id": "pyrad-1",
        "Framed_IP_Address": address, "Class": accept["Class"][0]}
    for status, more in (("Start", {}), ("Stop", {"Acct_Session_Time": 60, "Acct_Input_Octets": 1000,
            "Acct_Output_Octets": 2000, "Acct_Terminate_Cause": "User-Request"})):
        response = nas.SendPacket(nas.CreateAcctPacket(Acct_Status_Type=status, **common, **more))
        assert response.code == packet.AccountingResponse
    assert server.sql("""select username, host(framedipaddress), acctsessiontime, acctinputoctets, acctoutputoctets,
            acctterminatecause, acctstoptime is not null
        from radius.radacct where acctsessionid = 'pyrad-1'""") == [
        (login, address, "60", "1000", "2000", "User-Request", "t")]
    assert server.value(f"select session_key is null from poprad.address where address = '{address}'") == "t"


@pytest.mark.parametrize("has_challenge", [True, False])
def test_chap(nas, subscriber, has_challenge):
    login, password = subscriber()
    request = login_request(nas, login)
    challenge = secrets.token_bytes(16) if has_challenge else request.authenticator
    if has_challenge:
        request["CHAP-Challenge"] = challenge
    request["CHAP-Password"] = b"\x07" + hashlib.md5(b"\x07" + password.encode() + challenge).digest()
    assert nas.SendPacket(request).code == packet.AccessAccept


def test_a_wrong_password(nas, subscriber):
    login, _ = subscriber()
    request = login_request(nas, login)
    request["User-Password"] = request.PwCrypt("not-that")
    reject = nas.SendPacket(request)
    assert reject.code == packet.AccessReject
    assert reject["Reply-Message"] == ["Login incorrect"]
