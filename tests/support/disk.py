# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""A file system that is easily filled."""
import contextlib
import os
import subprocess
import tempfile


@contextlib.contextmanager
def small_disk(mib):
    """A folder on a file system of so many MiB, or None where none can be mounted."""
    folder = tempfile.mkdtemp(prefix="poprad-disk-", dir="/tmp")
    words = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0777", "tmpfs", folder]
    is_mounted = subprocess.run(words, capture_output=True).returncode == 0
    try:
        yield folder if is_mounted else None
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", folder], check=True)
        os.rmdir(folder)
