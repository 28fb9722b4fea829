"""What a core did: run time of everything on it, and time that the hypervisor took away."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

_TICK_NS = 10_000_000
"""/proc/stat counts in ticks of 1/100 s."""

_PERCPU = Path("/sys/fs/cgroup/cpuacct/cpuacct.usage_percpu")
"""Exact run time of all tasks by core, where cgroup v1 is mounted."""


class CoreReading(Struct, frozen=True):
    """Cumulative run time and stolen time of some cores."""

    busy_ns: int
    steal_ns: int
    exact: bool
    """True where run time is exact, False where it was derived from ticks of idle time."""


def read_cores(cores: tuple[int, ...], now_ns: int) -> CoreReading | None:
    """Cumulative busy and stolen time of ``cores``; None without a readable /proc.

    Without an exact count, busy time is elapsed time less idle time: the kernel measures idleness
    exactly on tickless systems and only rounds it to ticks.
    """
    try:
        lines = Path("/proc/stat").read_text().splitlines()
    except OSError:
        return None
    stats = {line.split()[0]: [int(word) for word in line.split()[1:]] for line in lines if line[:3] == "cpu"}
    try:
        rows = [stats[f"cpu{core}"] for core in cores]
    except KeyError:
        return None
    steal = sum(row[7] for row in rows) * _TICK_NS
    exact = _exact_busy_ns(cores)
    if exact is not None:
        return CoreReading(busy_ns=exact, steal_ns=steal, exact=True)
    idle = sum(row[3] + row[4] for row in rows) * _TICK_NS
    return CoreReading(busy_ns=now_ns * len(cores) - idle - steal, steal_ns=steal, exact=False)


def _exact_busy_ns(cores: tuple[int, ...]) -> int | None:
    try:
        usage = _PERCPU.read_text().split()
        return sum(int(usage[core]) for core in cores)
    except (OSError, IndexError, ValueError):
        return None
