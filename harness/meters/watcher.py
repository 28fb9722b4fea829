"""A process that watches the arms' core: for pauses of the platform and, on request, for its pace.

It sleeps a little over and over at real-time priority, so that the arms cannot delay it: what
makes it late is the hypervisor or the kernel.  After each sleep it may time a fixed piece of work: on a shared
machine a core's pace changes by half within seconds, and whatever runs on it gets dearer with it.

Without the right to real-time priority it exits with status 3, and the block says that nothing was watched: at
normal priority it would report the arms' own work as a fault of the platform.

Standard library only, started by path.  Prints one JSON document when its standard input closes.
Idea of the pauses: jHiccup (Azul Systems).
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import sys
import time

PERIOD_S = 0.004
"""A pause of 5 ms or more cannot fall between two wake-ups.  What the watcher takes of the core it meters itself."""

PACE_PERIOD_S = 0.001
"""The pace changes within tens of milliseconds: a window of 75 ms gets some 60 looks, enough for its share of slow
time."""

WARM_STEPS, STEPS = 60, 250
"""A little that fetches the code, whatever an arm left in the caches, and then about 5 µs that count
(results/evidence/pace.json)."""

KEEP_MS = 1.0
"""Pauses below this are the timer's own."""

_PR_SET_TIMERSLACK = 29


def main() -> None:
    """Pin to the core in argv[1], watch until standard input closes, print what was seen; argv[2] = pace."""
    paced = sys.argv[2:] == ["pace"]
    os.sched_setaffinity(0, {int(sys.argv[1])})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        sys.exit(3)
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    began, own_ns = time.monotonic_ns(), time.process_time_ns()
    pauses, pace = _watch(PACE_PERIOD_S if paced else PERIOD_S, paced=paced)
    cpu_share = (time.process_time_ns() - own_ns) / (time.monotonic_ns() - began)
    sys.stdout.write(json.dumps({"pauses": pauses, "pace": pace, "cpu_share": cpu_share}))


def _watch(period_s: float, *, paced: bool) -> tuple[list[tuple[int, float]], list[tuple[int, int]]]:
    """Pauses as (time in ns, how late in ms) and the pace as (time in ns, ns that the fixed work took)."""
    pauses: list[tuple[int, float]] = []
    pace: list[tuple[int, int]] = []
    reader = select.poll()
    reader.register(0, select.POLLIN | select.POLLHUP)
    before = time.monotonic_ns()
    while not reader.poll(0):
        time.sleep(period_s)
        now = time.monotonic_ns()
        late_ms = (now - before) / 1e6 - period_s * 1e3
        if late_ms >= KEEP_MS:
            pauses.append((now, round(late_ms, 3)))
        if paced:
            _work(WARM_STEPS)
            start = time.monotonic_ns()
            _work(STEPS)
            pace.append((start, time.monotonic_ns() - start))
        before = time.monotonic_ns()
    return pauses, pace


def _work(steps: int) -> None:
    total = 0
    for step in range(steps):
        total += step


if __name__ == "__main__":
    main()
