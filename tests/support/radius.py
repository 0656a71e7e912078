# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""RADIUS from the client's side, octet by octet, so that tests can also build what no client library would send.

Independent of the C code on purpose: what poprad computes is checked against this second implementation.
"""
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import select
import socket
import struct
import time

ACCESS_REQUEST, ACCESS_ACCEPT, ACCESS_REJECT = 1, 2, 3
ACCOUNTING_REQUEST, ACCOUNTING_RESPONSE = 4, 5
STATUS_SERVER = 12

USER_NAME, USER_PASSWORD, CHAP_PASSWORD, NAS_IP_ADDRESS, NAS_PORT, SERVICE_TYPE, FRAMED_PROTOCOL = range(1, 8)
FRAMED_IP_ADDRESS, FRAMED_IP_NETMASK, FILTER_ID, REPLY_MESSAGE, CLASS = 8, 9, 11, 18, 25
SESSION_TIMEOUT, IDLE_TIMEOUT, CALLED_STATION_ID, CALLING_STATION_ID, NAS_IDENTIFIER = 27, 28, 30, 31, 32
PROXY_STATE, ACCT_STATUS_TYPE, ACCT_DELAY_TIME, ACCT_INPUT_OCTETS, ACCT_OUTPUT_OCTETS = 33, 40, 41, 42, 43
ACCT_SESSION_ID, ACCT_SESSION_TIME, ACCT_TERMINATE_CAUSE = 44, 46, 49
FRAMED_IPV6_PREFIX, DELEGATED_IPV6_PREFIX = 97, 123
ACCT_INPUT_GIGAWORDS, ACCT_OUTPUT_GIGAWORDS, EVENT_TIMESTAMP, CHAP_CHALLENGE = 52, 53, 55, 60
NAS_PORT_TYPE, TUNNEL_PASSWORD, EAP_MESSAGE, MESSAGE_AUTHENTICATOR, ACCT_INTERIM_INTERVAL = 61, 69, 79, 80, 85
CONNECT_INFO, NAS_PORT_ID, NAS_FILTER_RULE = 77, 87, 92

MICROSOFT = 311
MS_CHAP_RESPONSE, MS_CHAP_ERROR, MS_CHAP_CHALLENGE, MS_CHAP2_RESPONSE, MS_CHAP2_SUCCESS = 1, 2, 11, 25, 26
MS_MPPE_SEND_KEY, MS_MPPE_RECV_KEY = 16, 17

START, STOP, INTERIM, ACCOUNTING_ON, ACCOUNTING_OFF = 1, 2, 3, 7, 8

SECRET = b"testing123"


def octets(value):
    """int -> 4 octets, 'a.b.c.d' as ipaddr() gives it, str -> UTF-8."""
    if isinstance(value, int):
        return struct.pack("!I", value)
    return value.encode() if isinstance(value, str) else bytes(value)


def ipaddr(text):
    return socket.inet_aton(text)


def attribute(number, value):
    value = octets(value)
    return bytes([number, len(value) + 2]) + value


def vendor(vendor_id, number, value):
    return attribute(26, struct.pack("!I", vendor_id) + attribute(number, value))


def attributes(pairs):
    return b"".join(attribute(number, value) for number, value in pairs)


def hide_password(password, authenticator, secret=SECRET):
    """RFC 2865 section 5.2."""
    password = octets(password)
    password += bytes(-len(password) % 16 if password else 16)
    hidden, last = b"", authenticator
    for at in range(0, len(password), 16):
        pad = hashlib.md5(secret + last).digest()
        last = bytes(a ^ b for a, b in zip(password[at:at + 16], pad))
        hidden += last
    return hidden


def packet(code, identifier, authenticator, body):
    return struct.pack("!BBH", code, identifier, 20 + len(body)) + authenticator + body


def sign_accounting(code, identifier, body, secret=SECRET):
    """RFC 2866 section 3."""
    unsigned = packet(code, identifier, bytes(16), body)
    return packet(code, identifier, hashlib.md5(unsigned + secret).digest(), body)


def with_message_authenticator(code, identifier, authenticator, body, secret=SECRET):
    """Message-Authenticator as the first attribute (RFC 3579 section 3.2)."""
    zeros = attribute(MESSAGE_AUTHENTICATOR, bytes(16))
    digest = hmac.new(secret, packet(code, identifier, authenticator, zeros + body), "md5").digest()
    return packet(code, identifier, authenticator, attribute(MESSAGE_AUTHENTICATOR, digest) + body)


class Reply:
    """A reply whose signatures have been verified against its request."""

    def __init__(self, data, request, secret=SECRET):
        assert len(data) >= 20, data
        self.data = data
        self.code, self.identifier, length = struct.unpack("!BBH", data[:4])
        assert length == len(data), "length field of the reply"
        assert self.identifier == request[1], "identifier of the reply"
        self.attributes = []
        at = 20
        while at < length:
            number, size = data[at], data[at + 1]
            assert size >= 2 and at + size <= length, "attribute walk of the reply"
            self.attributes.append((number, data[at + 2:at + size]))
            at += size
        authenticator = request[4:20]
        expected = hashlib.md5(data[:4] + authenticator + data[20:] + secret).digest()
        assert data[4:20] == expected, "response authenticator"
        if self.code in (ACCESS_ACCEPT, ACCESS_REJECT):
            self._verify_message_authenticator(authenticator, secret)

    def _verify_message_authenticator(self, authenticator, secret):
        assert self.attributes and self.attributes[0][0] == MESSAGE_AUTHENTICATOR, \
            "Message-Authenticator must be the first attribute"
        assert len(self.all(MESSAGE_AUTHENTICATOR)) == 1
        zeroed = self.data[:4] + authenticator + attribute(MESSAGE_AUTHENTICATOR, bytes(16)) + self.data[38:]
        assert self.data[22:38] == hmac.new(secret, zeroed, "md5").digest(), "Message-Authenticator"

    def all(self, number):
        return [value for found, value in self.attributes if found == number]

    def one(self, number):
        values = self.all(number)
        assert len(values) == 1, (number, values)
        return values[0]

    def number(self, number):
        return struct.unpack("!I", self.one(number))[0]

    def text(self, number):
        return self.one(number).decode()

    def address(self):
        return socket.inet_ntoa(self.one(FRAMED_IP_ADDRESS))

    def vendor(self, vendor_id, number):
        found = []
        for value in self.all(26):
            if struct.unpack("!I", value[:4])[0] == vendor_id and value[4] == number:
                found.append(value[6:])
        assert len(found) == 1, (vendor_id, number, found)
        return found[0]

    def filters(self):
        return [value.decode() for value in self.all(FILTER_ID)]


class Client:
    """One socket of a NAS: source address and port stay the same, identifiers count up."""

    def __init__(self, server, source="127.0.0.1", secret=SECRET):
        self.server = server
        self.secret = secret
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((source, 0))
        self.identifier = 0

    def close(self):
        self.socket.close()

    def next_identifier(self):
        self.identifier = (self.identifier + 1) % 256
        return self.identifier

    def send(self, data, port):
        self.socket.sendto(data, (self.server.address, port))

    def receive(self, seconds):
        ready, _, _ = select.select([self.socket], [], [], seconds)
        return self.socket.recv(4096) if ready else None

    def exchange(self, data, port, seconds=30, every=3):
        """Sends like a NAS, again with the same octets until it is answered; None if it never is."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.send(data, port)
            again = time.monotonic() + every
            while (left := min(end, again) - time.monotonic()) > 0:
                answer = self.receive(left)
                if answer is not None and answer[1] == data[1]:
                    return Reply(answer, data, self.secret)
        return None

    # --- requests -------------------------------------------------------------------------------------------------

    def access_request(self, pairs, body=b"", sign=False, authenticator=None, identifier=None):
        """pairs before body; ('password', text) in pairs is hidden as User-Password."""
        authenticator = authenticator or os.urandom(16)
        identifier = self.next_identifier() if identifier is None else identifier
        content = b""
        for number, value in pairs:
            if number == "password":
                number, value = USER_PASSWORD, hide_password(value, authenticator, self.secret)
            content += attribute(number, value)
        if sign:
            return with_message_authenticator(ACCESS_REQUEST, identifier, authenticator, content + body, self.secret)
        return packet(ACCESS_REQUEST, identifier, authenticator, content + body)

    def pap(self, login, password, pairs=(), **how):
        return self.access_request([(USER_NAME, login), ("password", password), *pairs], **how)

    def login(self, login, password, pairs=(), seconds=30, **how):
        return self.exchange(self.pap(login, password, pairs, **how), self.server.auth_port, seconds)

    def accounting_request(self, pairs, body=b"", identifier=None):
        identifier = self.next_identifier() if identifier is None else identifier
        return sign_accounting(ACCOUNTING_REQUEST, identifier, attributes(pairs) + body, self.secret)

    def account(self, status, session_id, login, pairs=(), seconds=30):
        data = self.accounting_request(
            [(ACCT_STATUS_TYPE, status), (ACCT_SESSION_ID, session_id), (USER_NAME, login), *pairs])
        return self.exchange(data, self.server.acct_port, seconds)

    def status_request(self):
        return with_message_authenticator(STATUS_SERVER, self.next_identifier(), os.urandom(16), b"", self.secret)

    def status(self, port, seconds=30):
        return self.exchange(self.status_request(), port, seconds, every=1)


# --- MS-CHAP: RFC 2433, 2759, 3079; MD4 and DES come from libcrypto, which Python's own modules no longer offer ---------

_crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))


def md4(data):
    digest = ctypes.create_string_buffer(16)
    _crypto.MD4(data, ctypes.c_size_t(len(data)), digest)
    return digest.raw


def des(key7, block):
    """One block under 56 key bits, to which DES wants parity bits added."""
    bits = int.from_bytes(key7, "big")
    key = bytes(((bits >> (49 - 7 * n)) & 0x7f) << 1 for n in range(8))
    schedule = ctypes.create_string_buffer(256)
    result = ctypes.create_string_buffer(8)
    _crypto.DES_set_key_unchecked(key, schedule)
    _crypto.DES_ecb_encrypt(block, result, schedule, 1)
    return result.raw


def nt_hash(password):
    return md4(password.encode("utf-16-le"))


def challenge_response(challenge8, hash16):
    padded = hash16 + bytes(5)
    return b"".join(des(padded[at:at + 7], challenge8) for at in (0, 7, 14))


def mschap1_response(challenge8, password, identifier=1):
    return bytes([identifier, 1]) + bytes(24) + challenge_response(challenge8, nt_hash(password))


def _mschap2_challenge(challenge, peer_challenge, user):
    return hashlib.sha1(peer_challenge + challenge + user.encode()).digest()[:8]


def mschap2_response(challenge, peer_challenge, user, password, identifier=1):
    short = _mschap2_challenge(challenge, peer_challenge, user)
    return bytes([identifier, 0]) + peer_challenge + bytes(8) + challenge_response(short, nt_hash(password))


def mschap2_success(challenge, response, user, password):
    """RFC 2759 section 8.7: what the server must send back."""
    hash_hash = md4(nt_hash(password))
    first = hashlib.sha1(hash_hash + response[26:50] + b"Magic server to client signing constant").digest()
    short = _mschap2_challenge(challenge, response[2:18], user)
    second = hashlib.sha1(first + short + b"Pad to make it do more than one iteration").digest()
    return bytes([response[0]]) + b"S=" + second.hex().upper().encode()


def mppe_keys(response, password):
    """RFC 3079 section 3.4, 128 bits: (send key, receive key) as the server names them."""
    master = hashlib.sha1(md4(nt_hash(password)) + response[26:50] + b"This is the MPPE Master Key").digest()[:16]
    to_client = b"On the client side, this is the receive key; on the server side, it is the send key."
    to_server = b"On the client side, this is the send key; on the server side, it is the receive key."
    pads = [bytes(40), b"\xf2" * 40]
    return tuple(hashlib.sha1(master + pads[0] + magic + pads[1]).digest()[:16] for magic in (to_client, to_server))


def reveal_salted(value, authenticator, secret=SECRET):
    """RFC 2548 section 2.4.2: salt, then length and text in blocks of 16."""
    salt, hidden = value[:2], value[2:]
    assert salt[0] & 0x80 and hidden and len(hidden) % 16 == 0
    clear, last = b"", authenticator + salt
    for at in range(0, len(hidden), 16):
        pad = hashlib.md5(secret + last).digest()
        last = hidden[at:at + 16]
        clear += bytes(a ^ b for a, b in zip(last, pad))
    assert clear[0] < len(clear)
    return clear[1:1 + clear[0]]
