# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Packets in a file, for tshark to read: a decoder of RADIUS that is neither ours nor FreeRADIUS's."""
import re
import struct
import subprocess
from xml.etree import ElementTree

LINKTYPE_RAW = 101  # IP without a link layer


def datagram(payload):
    """As if a server had sent it."""
    udp = struct.pack("!HHHH", 1812, 40000, 8 + len(payload), 0)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
    return ip + udp + payload


def write(path, payloads):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))
        for number, payload in enumerate(payloads):
            frame = datagram(payload)
            file.write(struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame)


def tshark(path, *options):
    done = subprocess.run(["tshark", "-r", str(path), "-n", *options], text=True, capture_output=True, timeout=60, check=True)
    assert "Malformed" not in done.stdout, done.stdout
    return done.stdout


def decoded(path, payloads):
    """Of each packet, what tshark says of its attributes: (name, value), in their order. Long values are cut."""
    write(path, payloads)
    packets = re.split(r"^Frame \d+:", tshark(path, "-O", "radius"), flags=re.M)[1:]
    assert len(packets) == len(payloads)
    return [re.findall(r"^ +(?:AVP|VSA): t=(.+?)\(\d+\) l=\d+(?: val=(.*))?$", packet, re.M) for packet in packets]


def values(path, payload, name):
    """The octets of each attribute that tshark knows by that name."""
    write(path, [payload])
    found = ElementTree.fromstring(tshark(path, "-T", "pdml")).iter("field")
    return [bytes.fromhex(one.get("value"))[2:] for one in found
            if one.get("name") == "radius.avp" and one.get("showname").startswith(f"AVP: t={name}(")]
