# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""How a lane hands a batch to a function."""


def column(rows, name):
    """One parameter: the values of all rows, or a single null if there are none."""
    values = [row[name] for row in rows]
    return None if all(value is None for value in values) else values
