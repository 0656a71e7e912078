# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What the figures were measured on, and with which versions."""

import os
import pathlib
import re
import subprocess

import settings
from support.cluster import programs_folder


def describe():
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    meminfo = pathlib.Path("/proc/meminfo").read_text()
    memory = re.search(r"MemTotal: *(\d+)", meminfo)
    large = re.search(r"HugePages_Total: *(\d+).*Hugepagesize: *(\d+)", meminfo, re.DOTALL)
    return {
        "processors": f"{os.cpu_count()} x {cpu.group(1) if cpu else os.uname().machine}",
        "memory": f"{int(memory.group(1)) / 2 ** 20:.0f} GiB",
        "large pages": f"{large.group(1)} of {large.group(2)} KiB",
        "system": f"{release()}, Linux {os.uname().release}",
        "poprad": output(settings.ROOT / "bin" / "popradctl", "--version"),
        "PostgreSQL": output(programs_folder() / "postgres", "--version"),
        "FreeRADIUS": output("dpkg-query", "-W", "-f", "${Version}", "freeradius"),
        "cluster settings": ", ".join(f"{name} = {value}" for name, value in settings.CLUSTER.items())
                            + ", fsync and synchronous_commit on",
    }


def release():
    found = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    return found.group(1) if found else "unknown"


def output(*words):
    try:
        done = subprocess.run([str(word) for word in words], text=True, capture_output=True, check=False)
    except FileNotFoundError:
        return "not installed"
    return (done.stdout or done.stderr).strip().splitlines()[0] if done.stdout or done.stderr else "not installed"
