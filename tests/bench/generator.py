# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Runs popradload against one of the servers and reads its summary."""

import json
import subprocess
import tempfile

import settings


class Failed(Exception):
    """popradload ended without a summary."""


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
        done = subprocess.run(command(server, mode, options), stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                              check=False)
        output.seek(0)
        errors.seek(0)
        if done.returncode not in (0, 1):  # 1: something was lost or rejected, which the summary says
            raise Failed(f"popradload {mode}: exit status {done.returncode}\n{errors.read().decode()}")
        return json.load(output)
