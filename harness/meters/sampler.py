"""Reads the meters of a block while the load runs: at the edges of what is measured, and in between."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from harness.meters.core import CoreReading, read_cores
from harness.meters.meter import Meter
from harness.meters.process_clock import Reading, process_cpu_ns, pss_bytes, thread_count

PERIOD_NS = 100_000_000
"""Ten readings a second draw a curve; each takes the generator's core some 30 µs."""

SCAN_NS = 500_000_000
"""Twice a second the trees are walked, their threads counted and the core's counters read: 0.5 to 1 ms in which
the generator's core cannot send.  Ten times a second made the p99 of its send lag 0.63 ms,
now it is 0.02 ms (results/evidence/send-lag.json)."""

MEMORY_NS = 1_000_000_000
"""Memory is read once a second, in a slice's quiet end: a PSS takes the kernel about a millisecond, in which
the generator's core cannot send."""

_LIVE = struct.Struct("<4q")


class MeterRow(Struct, frozen=True, array_like=True):
    """One reading of one role, in the order of the columns of meters.parquet."""

    t_ns: int
    role: str
    name: str
    pid: int
    cpu_ns: int | None
    spin_ns: int | None = None
    steal_ns: int | None = None
    pss_bytes: int | None = None
    threads: int | None = None
    fds: int | None = None


class Edge(Struct, frozen=True):
    """CPU time of one entry's tree at an edge, and when it was really read (CLOCK_MONOTONIC)."""

    t_ns: int
    cpu_ns: int | None


class Readings(Struct, frozen=True):
    """What the meters saw of one block."""

    t0_ns: int
    """Zero of the trial's clock."""
    rows: tuple[MeterRow, ...]
    at_edges: dict[int, dict[int, Edge]]
    """Edge (ns after the trial's zero) → entry → what its tree had used by then."""
    late_ns: int
    """How late the latest edge was read."""
    core_before: CoreReading | None
    core_after: CoreReading | None
    core_wall_ns: int
    pids: tuple[tuple[int, ...], ...]
    backends_at: dict[int, int | None] = {}
    """Edge → what the services behind the arms had used by then, all together; empty where there are none."""
    between_at: dict[int, int | None] = {}
    """… what stands between the arms and these services; empty where nothing does."""


class _Instant(Struct, frozen=True, order=True):
    """When to read whose meter (None: everybody's), and whether it is for their memory."""

    at_ns: int
    memory: bool = False
    edge: bool = False
    scan: bool = False
    entries: tuple[int, ...] = ()


class _Meters:
    """The meters of one block and what they have shown: the rows only grow."""

    def __init__(
        self,
        meters: Sequence[tuple[str, Meter | None]],
        generators: Sequence[tuple[int, Path]],
    ) -> None:
        self.meters, self.generators = meters, generators
        self.known: list[Reading | None] = [tree.read() if tree is not None else None for _, tree in meters]
        self.rows: list[MeterRow] = []
        self.remembered_ns = [0] * len(meters)

    def arms(self, entries: Iterable[int], *, scan: bool) -> dict[int, Edge]:
        """Read the CPU time of some entries; with a scan their new processes and their threads, too."""
        found: dict[int, Edge] = {}
        # One time for the rows of a reading, so that a chart can add them up; an edge has its own, exact one.
        row_ns = time.monotonic_ns()
        for index in entries:
            name, tree = self.meters[index]
            if tree is None:
                found[index] = Edge(t_ns=time.monotonic_ns(), cpu_ns=None)
                continue
            self.known[index] = reading = tree.read(scan=scan)
            used_ns = reading.used_ns
            found[index] = Edge(t_ns=time.monotonic_ns(), cpu_ns=used_ns)
            threads = thread_count(reading.pids) if scan else None
            self.rows.append(MeterRow(row_ns, "arm", name, tree.root, used_ns, threads=threads))
        return found

    def behind(self, trees: Sequence[tuple[str, Meter]], *, scan: bool) -> int | None:
        """Read what trees behind the arms have used, all together; None where one has gone."""
        total: int | None = 0
        for name, tree in trees:
            reading = tree.read(scan=scan)
            used_ns = reading.used_ns
            total = None if total is None or used_ns is None else total + used_ns
            threads = len(reading.pids) if scan else None
            self.rows.append(MeterRow(time.monotonic_ns(), "backend", name, tree.root, used_ns, threads=threads))
        return total

    def memory(self, entries: Iterable[int]) -> None:
        """Read the memory of those entries that were not read within the last second."""
        for index in entries:
            (name, tree), reading, now_ns = self.meters[index], self.known[index], time.monotonic_ns()
            if tree is None or reading is None or now_ns - self.remembered_ns[index] < MEMORY_NS:
                continue
            self.remembered_ns[index] = now_ns
            pss = pss_bytes(reading.pids)
            self.rows.append(MeterRow(now_ns, "arm", name, tree.root, None, pss_bytes=pss))

    def others(self, core: CoreReading | None) -> None:
        """Note the generators and the arms' core."""
        now_ns = time.monotonic_ns()
        for pid, live in self.generators:
            used_ns = process_cpu_ns(pid)
            self.rows.append(MeterRow(now_ns, "generator", "locust", pid, used_ns, spin_ns=_spin_ns(live)))
        if core is not None:
            self.rows.append(MeterRow(now_ns, "host", "arms' core", 0, core.busy_ns, steal_ns=core.steal_ns))


def sample(
    meters: Sequence[tuple[str, Meter | None]],
    *,
    edges: Mapping[int, Sequence[int]],
    quiet: Mapping[int, Sequence[int]],
    t0_ns: int,
    cores: tuple[int, ...],
    generators: Sequence[tuple[int, Path]],
    keep_on: Callable[[], bool],
    backends: Sequence[tuple[str, Meter]] = (),
    between: Sequence[tuple[str, Meter]] = (),
) -> Readings:
    """Read until the last edge has passed, or until ``keep_on`` says that the load is gone.

    ``edges`` maps an instant (ns after the trial's zero) to the entries whose CPU time is read then: few at a
    time, since a reading takes the generator's core.  ``quiet`` maps instants at which nothing is due to the
    entries whose memory may be read.  ``meters`` are the entries' names and trees, in the order of the
    trial's arms, without a tree where a process cannot be read; ``generators`` are process ids with the live
    file that each worker updates.
    """
    seen = _Meters(meters, generators)
    behind: dict[int, int | None] = {}
    in_between: dict[int, int | None] = {}
    at_edges: dict[int, dict[int, Edge]] = {}
    cores_at: list[tuple[int, CoreReading | None]] = []
    late_ns, outermost = 0, {min(edges), max(edges)}
    for instant in _schedule(edges, quiet):
        _sleep_until(t0_ns + instant.at_ns)
        if not keep_on():
            break
        if instant.memory:
            seen.memory(instant.entries)
            continue
        entries = instant.entries if instant.edge else range(len(meters))
        found = seen.arms(entries, scan=instant.scan)
        now_ns = time.monotonic_ns()
        core = read_cores(cores, now_ns) if instant.scan or instant.at_ns in outermost else None
        if backends and (instant.scan or instant.edge):
            # New connections are new processes of PostgreSQL: found at the scans and at both ends.
            scan = instant.scan or instant.at_ns in outermost
            behind[instant.at_ns] = seen.behind(backends, scan=scan)
        if between and instant.at_ns in outermost:
            in_between[instant.at_ns] = seen.behind(between, scan=True)
        if instant.edge:
            at_edges[instant.at_ns] = found
            late_ns = max(late_ns, now_ns - t0_ns - instant.at_ns)
            if instant.at_ns in outermost:
                cores_at.append((now_ns, core))
        else:
            seen.others(core)
    whole = len(cores_at) == len(outermost)
    return Readings(
        t0_ns=t0_ns,
        rows=tuple(seen.rows),
        at_edges=at_edges,
        late_ns=late_ns,
        core_before=cores_at[0][1] if whole else None,
        core_after=cores_at[-1][1] if whole else None,
        core_wall_ns=cores_at[-1][0] - cores_at[0][0] if whole else 0,
        pids=tuple(reading.pids if reading is not None else () for reading in seen.known),
        backends_at=behind,
        between_at=in_between,
    )


def _schedule(edges: Mapping[int, Sequence[int]], quiet: Mapping[int, Sequence[int]]) -> list[_Instant]:
    """All instants in order: the edges, the quiet ones, and regular readings well away from both."""
    away_ns = PERIOD_NS // 8
    fixed = sorted({*edges, *quiet})
    regular = range(min(edges), max(edges), PERIOD_NS)
    between = [at for at in regular if all(abs(at - edge) > away_ns for edge in fixed)]
    return sorted(
        [_Instant(at, edge=True, entries=tuple(who)) for at, who in edges.items()]
        + [_Instant(at, memory=True, entries=tuple(who)) for at, who in quiet.items()]
        + [_Instant(at, scan=at // SCAN_NS != (at - PERIOD_NS) // SCAN_NS) for at in between]
    )


def _sleep_until(due_ns: int) -> None:
    while (left_ns := due_ns - time.monotonic_ns()) > 0:
        time.sleep(left_ns / 1e9)


def _spin_ns(live: Path) -> int | None:
    try:
        return int(_LIVE.unpack(live.read_bytes()[: _LIVE.size])[1])
    except (OSError, struct.error):
        return None
