# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""A host without neighbours, for tests of packet filters: run inside `unshare -n`, it gives the loopback interface the
addresses of a subscriber, a mail server and somebody outside, loads files of nftables rules, and says which
connections pass.

    namespace.py RULES ... -- FROM TO PORT [FROM TO PORT ...]

prints a JSON array with true or false for each connection.
"""

import json
import os
import select
import socket
import subprocess
import sys

ADDRESSES = ["10.0.8.5/32", "192.168.5.5/32", "10.0.1.1/32", "203.0.113.9/32", "2001:db8::5/128", "2001:db8::25/128"]


def run(*words):
    done = subprocess.run(words, text=True, capture_output=True, env={**os.environ, "PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
    if done.returncode != 0:
        sys.exit(f"{' '.join(words)}: {done.stderr}")


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def begin(source, target, port):
    """A socket whose first packet has been sent."""
    made = socket.socket(family_of(source), socket.SOCK_STREAM)
    made.setblocking(False)
    made.bind((source, 0))
    made.connect_ex((target, port))
    return made


def passes(source, target, port):
    """Whether the connection comes about. Nothing is waited for: the loopback interface delivers in order, so that when a
    later connection, which nothing filters, is there, the one in question is there or was filtered."""
    asked, later = begin(source, target, port), begin("127.0.0.1", "127.0.0.1", 7)
    with asked, later:
        while not select.select([], [later], [], 10)[1]:
            sys.exit("127.0.0.1 does not answer")
        is_writable = bool(select.select([], [asked], [], 0)[1])
        return is_writable and asked.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0


def main():
    words = sys.argv[1:]
    files, tries = words[:words.index("--")], words[words.index("--") + 1:]
    run("ip", "link", "set", "lo", "up")
    for address in ADDRESSES:
        run("ip", "address", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
    for path in files:
        run("nft", "-f", path)
    tries = [(tries[n], tries[n + 1], int(tries[n + 2])) for n in range(0, len(tries), 3)]
    listening = []
    for port in sorted({7} | {port for _, _, port in tries}):
        listening.append(socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True))
    print(json.dumps([passes(*one) for one in tries]))


if __name__ == "__main__":
    main()
