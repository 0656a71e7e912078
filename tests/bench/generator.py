# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Runs popradload against one of the servers and reads its summary."""

import json
import os
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
        words += [f"--{name.replace('_', '-')}", value]
    return [str(word) for word in words]


def run(server, mode, **options):
    """popradload MODE --NAME VALUE...; its summary, with cpu_s, what it used itself."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command(server, mode, options), stdin=subprocess.DEVNULL, stdout=output,
                                 stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if child.returncode not in (0, 1):
            raise Failed(f"popradload {mode}: exit status {child.returncode}\n{errors.read().decode()}")
        summary = json.load(output)
    summary["cpu_s"] = usage.ru_utime + usage.ru_stime
    return summary
