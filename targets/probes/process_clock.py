"""The CPU time of another process, its ended threads included."""

from __future__ import annotations

import time

_CPUCLOCK_SCHED = 2
"""The kernel's number for the clock of a process's run time (include/linux/posix-timers.h)."""


def cpu_ns(pid: int) -> int | None:
    """Give the CPU time that a process has used; None where it has ended, is elsewhere, or may not be read."""
    try:
        return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED)
    except OSError:
        return None
