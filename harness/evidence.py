"""What one stretch of load cost, and what the validity checks need to know of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from harness import load, summary, validity
from harness.meters import sampler
from harness.meters.process_clock import thread_count
from harness.model import Cost, Role, Window


class Pauses(Struct, frozen=True):
    """What the watcher of the arms' core saw, and what it took of that core itself."""

    pauses: tuple[tuple[int, float], ...]
    """(time in ns, how late in ms)."""
    cpu_share: float


class Entry(Struct, frozen=True):
    """One server process of the block: which arm, which of its two processes."""

    role: Role
    instance: int

    @property
    def name(self) -> str:
        """For example ``candidate-2``."""
        return f"{self.role}-{self.instance}"


def windows_of(
    entries: tuple[Entry, ...],
    slices: Sequence[load.Slice],
    readings: sampler.Readings,
    counts: summary.Summary,
) -> tuple[Window, ...]:
    """CPU time and answers of each measured slice and process."""
    found = []
    for piece in slices:
        if piece.phase != "measure":
            continue
        start, end = readings.at_boundaries[piece.start_ns], readings.at_boundaries[piece.end_ns]
        for index in piece.entries:
            readable = index < len(start) and start[index] is not None and end[index] is not None
            found.append(
                Window(
                    role=entries[index].role,
                    instance=entries[index].instance,
                    slice=piece.index,
                    start_ns=piece.start_ns,
                    end_ns=piece.end_ns,
                    cpu_ns=(end[index] or 0) - (start[index] or 0) if readable else None,
                    requests=counts.requests.get((index, piece.index), 0),
                )
            )
    return tuple(found)


def costs_of(
    entries: tuple[Entry, ...],
    windows: tuple[Window, ...],
    readings: sampler.Readings,
    memory: Sequence[int | None],
) -> tuple[Cost, ...]:
    """What each process cost over its measured slices, and its memory and size at the end."""
    costs = []
    for index, entry in enumerate(entries):
        mine = [window for window in windows if (window.role, window.instance) == (entry.role, entry.instance)]
        used = [window.cpu_ns for window in mine]
        pids = readings.pids[index] if index < len(readings.pids) else ()
        costs.append(
            Cost(
                role=entry.role,
                instance=entry.instance,
                cpu_ns=None if None in used or not used else sum(value or 0 for value in used),
                requests=sum(window.requests for window in mine),
                pss_bytes=memory[index],
                processes=len(pids),
                threads=thread_count(pids) or _last_threads(readings, entry.name),
            )
        )
    return tuple(costs)


def _last_threads(readings: sampler.Readings, name: str) -> int:
    return next((row.threads or 0 for row in reversed(readings.rows) if row.name == name), 0)


def gather(
    readings: sampler.Readings,
    counts: summary.Summary,
    windows: tuple[Window, ...],
    done: Sequence[dict[str, Any]],
    pauses: Pauses | None,
    wrong: Sequence[str],
    slices: Sequence[load.Slice],
    mismatch: int | None,
) -> validity.Evidence:
    """Everything that the validity checks look at, None where it could not be observed."""
    measured_from = next(piece.start_ns for piece in slices if piece.phase == "measure")
    t0_ns = int(done[0]["t0_ns"])
    inside = [
        late
        for at, late in (pauses.pauses if pauses else ())
        if t0_ns + measured_from <= at <= t0_ns + slices[-1].end_ns
    ]
    return validity.Evidence(
        sent_share=counts.sent / counts.due if counts.due else 0.0,
        generator_work=max(document["work_ns"] / document["wall_ns"] for document in done),
        foreign_share=_foreign(
            readings, measured_from, slices[-1].end_ns, readings.core_wall_ns, pauses.cpu_share if pauses else 0.0
        ),
        foreign_exact=readings.core_before is not None and readings.core_before.exact,
        steal_share=_steal(readings),
        hiccup_max_ms=None if pauses is None else max(inside, default=0.0),
        little=counts.little,
        strangers="; ".join(wrong) or None,
        drift=validity.drift(windows),
        boundary_late_ns=readings.late_ns,
        count_mismatch=mismatch,
    )


def mismatch_of(ledger: Sequence[dict[str, Any]], rows: np.ndarray[Any, Any]) -> int | None:
    """Requests that the client sent less those that the servers counted; None without a ledger."""
    if not ledger:
        return None
    return int((rows["start_ns"] >= 0).sum()) - sum(int(row["requests"]) for row in ledger)


def _foreign(
    readings: sampler.Readings, start_ns: int, end_ns: int, wall_ns: int, watcher_share: float
) -> float | None:
    """Share of the arms' core that neither the arms nor our own watcher used."""
    before, after = readings.core_before, readings.core_after
    if before is None or after is None or not wall_ns:
        return None
    start, end = readings.at_boundaries[start_ns], readings.at_boundaries[end_ns]
    if not start or None in start or None in end:
        return None
    arms_ns = sum((late or 0) - (early or 0) for early, late in zip(start, end, strict=True))
    return max(0.0, (after.busy_ns - before.busy_ns - arms_ns) / wall_ns - watcher_share)


def _steal(readings: sampler.Readings) -> float | None:
    before, after = readings.core_before, readings.core_after
    if before is None or after is None or not readings.core_wall_ns:
        return None
    return (after.steal_ns - before.steal_ns) / readings.core_wall_ns


def utilisation_of(windows: tuple[Window, ...], readings: sampler.Readings) -> float | None:
    """Share of the arms' core that the arms used while measured; None where it cannot be read."""
    if not readings.core_wall_ns or any(window.cpu_ns is None for window in windows):
        return None
    return sum(window.cpu_ns or 0 for window in windows) / readings.core_wall_ns
