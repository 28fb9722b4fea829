"""A process that watches the arms' core for pauses of the platform.

It sleeps a little over and over at real-time priority, so that the arms cannot delay it: what
makes it late is the hypervisor or the kernel.  Without the right to real-time priority it exits
with status 3, and the block says that hiccups were not watched: at normal priority it would report
the arms' own work as a fault of the platform.

Standard library only, started by path.  Prints one JSON document when its standard input closes.
Idea: jHiccup (Azul Systems).
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import sys
import time

PERIOD_S = 0.004
"""A pause of 5 ms or more cannot fall between two wake-ups; 250 wake-ups a second cost < 0.5 %."""

KEEP_MS = 1.0
"""Pauses below this are the timer's own."""

_PR_SET_TIMERSLACK = 29


def main() -> None:
    """Pin to the core in argv[1], watch until standard input closes, print the pauses."""
    os.sched_setaffinity(0, {int(sys.argv[1])})
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        sys.exit(3)
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    pauses: list[tuple[int, float]] = []
    reader = select.poll()
    reader.register(0, select.POLLIN | select.POLLHUP)
    began = before = time.monotonic_ns()
    while not reader.poll(0):
        time.sleep(PERIOD_S)
        now = time.monotonic_ns()
        late_ms = (now - before) / 1e6 - PERIOD_S * 1e3
        if late_ms >= KEEP_MS:
            pauses.append((now, round(late_ms, 3)))
        before = now
    sys.stdout.write(
        json.dumps({"pauses": pauses, "cpu_share": time.process_time_ns() / (time.monotonic_ns() - began)})
    )


if __name__ == "__main__":
    main()
