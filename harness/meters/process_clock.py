"""CPU time of a process tree in nanoseconds, ended threads and ended children included.

The CPU clock of a process (clock_getcpuclockid(3), Linux's CPUCLOCK_SCHED) sums the run time of
all its threads, ended ones too, and is read by one system call.  /proc/PID/schedstat knows living
threads only, and /proc/PID/stat counts in ticks of 10 ms.
"""

from __future__ import annotations

import time
from pathlib import Path

from msgspec import Struct

_CPUCLOCK_SCHED = 2
"""The kernel's number for the clock of scheduled run time (include/linux/posix-timers.h)."""

_TICK_NS = 10_000_000
"""USER_HZ is 100 on every Linux; only the time of children that nobody saw is counted in it."""


def process_cpu_ns(pid: int) -> int | None:
    """CPU time of one process, None once it is gone."""
    try:
        return time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED)
    except OSError:
        return None


def children(pid: int) -> list[int]:
    """Direct children of all threads of a process."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    except OSError:
        return found
    return found


def members(root: int) -> list[int]:
    """The process tree below ``root``, itself first."""
    tree, at = [root], 0
    while at < len(tree):
        tree += children(tree[at])
        at += 1
    return tree


class Reading(Struct, frozen=True):
    """One reading of a tree: its total, and which of its processes are alive."""

    cpu_ns: int
    pids: tuple[int, ...]
    """Empty where they have ended, or have numbers that mean nothing here."""
    alive: bool = True

    @property
    def used_ns(self) -> int | None:
        """The total, None once nothing of it lives: what an ended process used is known only to its reader."""
        return self.cpu_ns if self.alive else None


class Tree:
    """Reads one process tree again and again and keeps what its ended members had used.

    State is needed here: a child that ended between two readings is known only from the last
    reading before its end, or from its parent's account of waited-for children.
    """

    def __init__(self, root: int) -> None:
        """Watch the tree below process ``root``."""
        self.root = root
        self._living: dict[int, int] = {}
        self._ended_ns = 0
        self._unseen_ns = 0
        self._waited_at_start: int | None = None

    def read(self, *, scan: bool = True) -> Reading:
        """CPU time of the tree since the start of its members, ended ones included.

        Without ``scan`` only the members of the last scan are read: a microsecond each, where walking the tree
        takes a hundred.  Who was born since is counted from the next scan on, with all that it has used.
        """
        pids = members(self.root) if scan or not self._living else list(self._living)
        now = {pid: used for pid in pids if (used := process_cpu_ns(pid)) is not None}
        for pid, used in self._living.items():
            if pid not in now:
                self._ended_ns += used
        self._living = now
        late_ns = self._late_ns() if scan else self._unseen_ns
        return Reading(cpu_ns=sum(now.values()) + self._ended_ns + late_ns, pids=tuple(now), alive=bool(now))

    def _late_ns(self) -> int:
        """What waited-for children of the root used beyond what the readings saw of them."""
        waited = _waited_children_ns(self.root)
        if waited is None:
            return self._unseen_ns
        if self._waited_at_start is None:
            self._waited_at_start = waited
        beyond = waited - self._waited_at_start - self._ended_ns
        # One tick of rounding per reading is no evidence of an unseen child.
        self._unseen_ns = max(self._unseen_ns, beyond if beyond > _TICK_NS else 0)
        return self._unseen_ns


def _waited_children_ns(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[13]) + int(fields[14])) * _TICK_NS


def pss_bytes(pids: tuple[int, ...]) -> int | None:
    """Proportional set size of some processes; shared pages count once over their sharers."""
    total = 0
    try:
        for pid in pids:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
                    break
    except OSError:
        return None
    return total or None


def thread_count(pids: tuple[int, ...]) -> int:
    """Living threads of some processes."""
    total = 0
    for pid in pids:
        try:
            total += sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
        except OSError:
            continue
    return total
