# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Runs popradload against one of the servers and reads its summary."""

import json
import subprocess
import tempfile

import settings


class Failed(Exception):
    """popradload ended without a summary."""


running = set()


def stop():
    """Ends what runs in other threads."""
    for child in list(running):
        child.kill()


def command(server, mode, options):
    words = [settings.ROOT / "bin" / "popradload", mode, "--json", "--quiet",
             "--server", "127.0.0.1", "--auth-port", server.auth_port, "--acct-port", server.acct_port,
             "--secret", settings.SECRET, "--login", settings.LOGIN, "--password", settings.PASSWORD,
             "--source", settings.FIRST_NAS]
    defaults = {"count": server.subscribers, "sources": settings.NASES, "ports": settings.PORTS_A_NAS}
    for name, value in {**defaults, **options}.items():
        words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [value])
    return [str(word) for word in words]


def run(server, mode, **options):
    """popradload MODE --NAME VALUE...; its summary. An option whose value is True stands alone."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command(server, mode, options), stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        running.add(child)
        try:
            status = child.wait()
        finally:
            running.discard(child)
            child.kill()  # only if the wait was broken off
        output.seek(0)
        errors.seek(0)
        if status not in (0, 1):  # 1: something was lost or rejected, which the summary says
            raise Failed(f"popradload {mode}: exit status {status}\n{errors.read().decode()}")
        return json.load(output)
