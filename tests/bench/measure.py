# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""One measurement: a load on a server, and what it cost whom."""

import generator

# Requests in flight in the closed loop: each server's best.
WINDOW = {"poprad": 1000, "FreeRADIUS": 200}


def load(contender, mode, **options):
    """Runs popradload and returns its figures, the same for all modes."""
    before = contender.cpu()
    summary = generator.run(contender, mode, **options)
    after = contender.cpu()
    login, accounting = summary["login"], summary["accounting"]
    answered = login["answered"] + accounting["answered"]
    figures = {
        "answered": answered,
        "seconds": summary["duration_s"],
        "rate": answered / summary["duration_s"],
        "latency_us": {"login": login["latency_us"], "accounting": accounting["latency_us"]},
        "cpu_us": cpu_each(before, after, summary["cpu_s"], answered),
    }
    for name in ("accepted", "rejected", "retransmits", "strays", "operations_failed", "bad_signatures", "bad_replies",
                 "double_addresses", "all_online_s", "goodput_per_second", "offered_per_second", "acknowledged"):
        if name in summary:
            figures[name] = summary[name]
    figures["lost"] = login["lost"] + accounting["lost"]
    return figures


def cpu_each(before, after, generator_s, answered):
    """Microseconds per answered request."""
    spent = {name: after[name] - before[name] for name in before}
    spent["generator"] = generator_s
    return {name: 1e6 * seconds / answered for name, seconds in spent.items()} if answered else {}


def closed(contender, kind, mode, seconds, **options):
    """The highest rate: a full window on a fresh database."""
    contender.fresh(kind)
    return load(contender, mode, duration=f"{seconds}s", window=WINDOW[contender.name], **options)
