# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright the poprad authors
"""One measurement: a load on a server, and what it cost whom."""

import threading
import time

import generator

# Requests in flight in the closed loop: each server's best.
WINDOW = {"poprad": 2000, "FreeRADIUS": 200}
SAMPLE_SECONDS = 0.2


class CpuSampler(threading.Thread):
    """Reads the CPU time of server and database now and then: popradload may prepare before it measures."""

    def __init__(self, contender):
        super().__init__(daemon=True)
        self.contender = contender
        self.over = threading.Event()
        self.samples = []

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()

    def run(self):
        while True:
            self.samples.append((time.monotonic(), self.contender.cpu()))
            if self.over.wait(SAMPLE_SECONDS):
                break
        self.samples.append((time.monotonic(), self.contender.cpu()))

    def used(self, seconds):
        """CPU seconds of each in that time before the end."""
        end, last = self.samples[-1]
        begin = max(end - seconds, self.samples[0][0])
        after = next(i for i, (when, _) in enumerate(self.samples) if when >= begin)
        (when_1, cpu_1), (when_2, cpu_2) = self.samples[max(after - 1, 0)], self.samples[after]
        share = (begin - when_1) / (when_2 - when_1) if when_2 > when_1 else 0
        return {name: last[name] - (cpu_1[name] + share * (cpu_2[name] - cpu_1[name])) for name in last}


def load(contender, mode, **options):
    """Runs popradload and returns its figures, the same for all modes."""
    with CpuSampler(contender) as sampler:
        summary = generator.run(contender, mode, **options)
    answered = summary["login"]["answered"] + summary["accounting"]["answered"]
    cpu = sampler.used(summary["duration_s"])
    cpu["generator"] = summary["cpu"]["user_s"] + summary["cpu"]["system_s"]
    figures = {name: value for name, value in summary.items() if not isinstance(value, dict)}
    figures["rate_wanted"] = figures.pop("rate")
    figures.update({
        "answered": answered,
        "rate": answered / summary["duration_s"],
        "cpu_us": {name: 1e6 * seconds / max(answered, 1) for name, seconds in cpu.items()},
        "acknowledged_starts": summary["start"]["answered"],
        "acknowledged_stops": summary["stop"]["answered"],
        "in_time": {step: summary[step]["in_time"] for step in ("start", "interim", "stop")},
        "lost": summary["login"]["lost"] + summary["accounting"]["lost"],
    })
    for role in ("login", "accounting"):
        figures[f"{role}_us"] = summary[role]["latency_us"]
    return figures


def closed(contender, kind, mode, seconds, **options):
    """The highest rate: a full window on a fresh database."""
    contender.fresh(kind)
    return load(contender, mode, duration=f"{seconds}s", window=WINDOW[contender.name], **options)
