# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""Medians, spreads and ratios of the rounds' figures."""

import statistics


class Spread:
    """The median of some rounds with the least and the greatest."""

    def __init__(self, values):
        values = [value for value in values if value is not None]
        if not values:
            raise ValueError("no figure")
        self.median, self.least, self.greatest = statistics.median(values), min(values), max(values)

    def text(self, digits=0):
        low, middle, high = (number(value, digits) for value in (self.least, self.median, self.greatest))
        return middle if low == high else f"{middle} ({low} to {high})"


def ratios(ours, theirs):
    """Round by round, so that what slowed a whole round down does not count twice."""
    return Spread([one / other for one, other in zip(ours, theirs) if one is not None and other])


def number(value, digits=0):
    return f"{value:,.{digits}f}"
