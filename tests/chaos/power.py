# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""What a power loss leaves of a segment of the spool: everything that was synced, and of the rest, nothing, a part, or
octets that were never written.

A process that is killed leaves all that it wrote, so that this is added afterwards. What was synced is not known from
outside, but what was acknowledged is, and that is what must be there: the records behind the last acknowledged one
may be lost. Reads segments by itself, so that the form on the disk (src/spool/segment.h) is checked, too.
"""
import re
import struct

HEAD, RECORD_HEAD = 64, 12
SERIAL = re.compile(rb"chaos-serial-(\d{10})\.")


def records(content):
    """(offset of the record, offset behind it, serial or None) of every whole record."""
    at = HEAD
    while at + RECORD_HEAD <= len(content):
        size = struct.unpack("!I", content[at + 4:at + 8])[0]
        end = at + RECORD_HEAD + size
        if size == 0 or end > len(content):
            return
        found = SERIAL.search(content, at, end)
        yield at, end, int(found[1]) if found else None
        at = end


def cut(path, acknowledged, rng):
    """Does that to one segment. Returns (records that are lost, octets that were appended)."""
    with path.open("r+b") as file:
        content = file.read()
        if len(content) < HEAD:
            return 0, 0
        found = list(records(content))
        needed = max((end for _, end, serial in found if serial is None or serial in acknowledged), default=HEAD)
        kept = rng.randint(needed, len(content))
        appended = rng.choice([
            b"",
            bytes(rng.randrange(1, 5000)),  # the file had grown, its octets had not been written
            rng.randbytes(rng.randrange(1, 5000)),  # what the disk held there before
            content[HEAD:HEAD + rng.randrange(1, 600)],  # a record that belongs elsewhere, or a part of it
        ])
        file.seek(kept)
        file.truncate()
        file.write(appended)
    return sum(end > kept for _, end, _ in found), len(appended)
