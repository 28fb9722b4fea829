"""Reads the meters of a block while the load runs: at every boundary of a slice, and in between."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from harness.load import Slice
from harness.meters.core import CoreReading, read_cores
from harness.meters.process_clock import Tree, process_cpu_ns, thread_count

PERIOD_NS = 100_000_000
"""Ten readings a second draw a curve; each costs the generator's core about 0.2 ms."""

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


class Readings(Struct, frozen=True):
    """What the meters saw of one block."""

    rows: tuple[MeterRow, ...]
    at_boundaries: dict[int, tuple[int | None, ...]]
    """Boundary (ns after the trial's zero) → cumulative CPU time of each entry's tree."""
    late_ns: int
    """How late the latest boundary was read."""
    core_before: CoreReading | None
    core_after: CoreReading | None
    core_wall_ns: int
    pids: tuple[tuple[int, ...], ...]


def boundaries(slices: Sequence[Slice]) -> list[int]:
    """All starts and ends of slices, in order, each once (ns after the trial's zero)."""
    return sorted({edge for piece in slices for edge in (piece.start_ns, piece.end_ns)})


def sample(
    trees: Mapping[str, Tree],
    roots: Mapping[str, int],
    *,
    slices: Sequence[Slice],
    t0_ns: int,
    cores: tuple[int, ...],
    generators: Sequence[tuple[int, Path]],
    keep_on: Callable[[], bool],
) -> Readings:
    """Read until the last boundary has passed, or until ``keep_on`` says that the load is gone.

    ``trees`` maps an entry's name to its meter, in the order of the trial's arms; ``generators``
    are process ids with the live file that each worker updates.
    """
    edges = boundaries(slices)
    measured_from = min(piece.start_ns for piece in slices if piece.phase == "measure")
    rows: list[MeterRow] = []
    at_edge: dict[int, tuple[int | None, ...]] = {}
    before = after = None
    before_ns = after_ns = late_ns = 0
    pids: tuple[tuple[int, ...], ...] = ()
    for edge, due_ns in _schedule(edges, t0_ns):
        _sleep_until(due_ns)
        if not keep_on():
            break
        now = time.monotonic_ns()
        readings = [tree.read() for tree in trees.values()]
        pids = tuple(reading.pids for reading in readings)
        used = tuple(reading.cpu_ns if reading.pids else None for reading in readings)
        if edge is not None:
            at_edge[edge] = used
            late_ns = max(late_ns, now - due_ns)
        if edge == measured_from:
            before, before_ns = read_cores(cores, now), now
        if edge == edges[-1]:
            after, after_ns = read_cores(cores, now), now
        for (name, root), cpu_ns, reading in zip(roots.items(), used, readings, strict=True):
            rows.append(MeterRow(now, "arm", name, root, cpu_ns, threads=thread_count(reading.pids)))
        for pid, live in generators:
            rows.append(MeterRow(now, "generator", "locust", pid, process_cpu_ns(pid), spin_ns=_spin_ns(live)))
        core = read_cores(cores, now)
        if core is not None:
            rows.append(MeterRow(now, "host", "arms' core", 0, core.busy_ns, steal_ns=core.steal_ns))
    return Readings(
        rows=tuple(rows),
        at_boundaries=at_edge,
        late_ns=late_ns,
        core_before=before,
        core_after=after,
        core_wall_ns=after_ns - before_ns,
        pids=pids,
    )


def _schedule(edges: Sequence[int], t0_ns: int) -> list[tuple[int | None, int]]:
    """(boundary or None, due time): the boundaries, and regular readings well away from them."""
    away_ns = PERIOD_NS // 4
    regular = range(edges[0], edges[-1], PERIOD_NS)
    between = [at for at in regular if all(abs(at - edge) > away_ns for edge in edges)]
    return sorted(
        [(edge, t0_ns + edge) for edge in edges] + [(None, t0_ns + at) for at in between],
        key=lambda row: row[1],
    )


def _sleep_until(due_ns: int) -> None:
    while (left_ns := due_ns - time.monotonic_ns()) > 0:
        time.sleep(left_ns / 1e9)


def _spin_ns(live: Path) -> int | None:
    try:
        return int(_LIVE.unpack(live.read_bytes()[: _LIVE.size])[1])
    except (OSError, struct.error):
        return None
