"""What one stretch of load cost, and what the validity checks need to know of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from msgspec import Struct, structs

from harness import load, summary, validity
from harness.meters import sampler
from harness.meters.process_clock import thread_count
from harness.model import Cost, Grain, Role, Window

SETTLE_NS = 25_000_000
"""What is not counted at the start of a slice: all users of an arm send in one instant, into caches that
the other arm has filled.  A second long look showed a burst of a few milliseconds; two servers compared in
slices of 20 ms differ by 5 % from slices that are long."""

SETTLE_SHARE = 4
"""Never more than a quarter of a slice."""


WINDOW_NS = 75_000_000
"""About what is counted of a slice of 0.1 s."""

LOOKS_MIN = 5
"""Fewer looks at the pace say little of a window."""

FAST_SHARE = 0.02
"""The core's fast pace is what the fastest looks took; not the very fastest: a clock has its errors, too."""

SLOW_FROM, SLOW_TO = 1.15, 1.45
"""A look is slow where it took 1.45 times as long as fast ones, fast up to 1.15 times, and in between partly.  On the
shared machine of November 2026 looks took up to 5.6 µs or 7 µs and more, 1.4 % anything between.  Steps and not the
time itself: the watcher runs 1.4 % slower beside granian than beside uvicorn (both in results/evidence/pace.json); what
an arm does to the watcher must not be taken for the core's pace."""


class Watched(Struct, frozen=True):
    """What the watcher of the arms' core saw, and what it took of that core itself."""

    pauses: tuple[tuple[int, float], ...]
    """(time in ns, how late in ms)."""
    pace: tuple[tuple[int, int], ...]
    """(time in ns, ns that a fixed piece of work took); empty where the pace was not asked for."""
    cpu_share: float


class Entry(Struct, frozen=True):
    """One server process of the block: which arm, which of its two processes."""

    role: Role
    instance: int

    @property
    def name(self) -> str:
        """For example ``candidate-2``."""
        return f"{self.role}-{self.instance}"


def window_edges(piece: load.Slice, grain: Grain) -> tuple[int, ...]:
    """Where the windows of a slice begin and end, in ns after the trial's zero: each ends where the next begins.

    Where requests of both arms are interleaved, the whole slice: it begins and ends without any in flight.
    A lone arm is counted in its steady state, from behind its first burst to the last instant of full load;
    what is in flight at both edges is alike.  A long slice of the block grain has several windows, short enough to
    see the core's pace change.
    """
    if grain == "request":
        return piece.start_ns, piece.end_ns
    settle_ns = min(SETTLE_NS, (piece.end_ns - piece.start_ns) // SETTLE_SHARE)
    first, last = piece.start_ns + settle_ns, piece.quiet_ns
    parts = max(1, (last - first) // WINDOW_NS) if grain == "block" else 1
    return tuple(first + (last - first) * part // parts for part in range(parts + 1))


def edges_of(slices: Sequence[load.Slice], grain: Grain, entries: int) -> dict[int, tuple[int, ...]]:
    """When to read whose meter: every counted window's edges, and all at the first and last measured instant."""
    measured = [piece for piece in slices if piece.phase == "measure"]
    found: dict[int, set[int]] = {}
    for piece in measured:
        for edge in window_edges(piece, grain):
            found.setdefault(edge, set()).update(piece.entries)
    for edge in (measured[0].start_ns, measured[-1].end_ns):
        found[edge] = set(range(entries))
    return {edge: tuple(sorted(who)) for edge, who in found.items()}


def quiet_of(slices: Sequence[load.Slice]) -> dict[int, tuple[int, ...]]:
    """When nothing is due, and whose turn has just ended; a millisecond later than the window's last edge."""
    return {piece.quiet_ns + 1_000_000: piece.entries for piece in slices if piece.quiet_ns + 2_000_000 < piece.end_ns}


def windows_of(
    entries: tuple[Entry, ...],
    slices: Sequence[load.Slice],
    readings: sampler.Readings,
    rows: np.ndarray[Any, Any],
    grain: Grain,
) -> tuple[Window, ...]:
    """CPU time and answers of each measured slice and process.

    A lone arm's answers are those that came between the two readings of its meter, at the times when these
    were really taken; interleaved arms' answers are those of the slice.
    """
    answered = rows[(rows["error"] == 0) & (rows["end_ns"] >= 0)]
    ends = [np.sort(answered["end_ns"][answered["entry"] == index]) for index in range(len(entries))]
    counts = summary.answers(answered)
    found = []
    for piece, (first, last) in _spans(slices, grain):
        for index in piece.entries:
            start, end = readings.at_edges[first].get(index), readings.at_edges[last].get(index)
            if grain == "request" or start is None or end is None:
                requests, edges = counts.get((index, piece.index), 0), (first, last)
            else:
                edges = start.t_ns - readings.t0_ns, end.t_ns - readings.t0_ns
                requests = int(np.diff(np.searchsorted(ends[index], [start.t_ns, end.t_ns]))[0])
            found.append(
                Window(
                    role=entries[index].role,
                    instance=entries[index].instance,
                    slice=piece.index,
                    start_ns=edges[0],
                    end_ns=edges[1],
                    cpu_ns=_used(start, end),
                    requests=requests,
                    # With both arms loaded nobody can say whose queries the database works on.
                    backend_ns=None if grain == "request" else _grown(readings.backends_at, first, last),
                )
            )
    return tuple(found)


def _grown(at: Mapping[int, int | None], first: int, last: int) -> int | None:
    """What was used between two edges; None where it was not metered."""
    start, end = at.get(first), at.get(last)
    return None if start is None or end is None else end - start


def _spans(slices: Sequence[load.Slice], grain: Grain) -> Iterator[tuple[load.Slice, tuple[int, int]]]:
    for piece in slices:
        if piece.phase == "measure":
            for span in pairwise(window_edges(piece, grain)):
                yield piece, span


def fast_look_ns(watched: Iterable[Watched | None]) -> float | None:
    """What the watcher's fixed work took while the core was fast, over all stretches of a block; None unwatched."""
    took_ns = [took for one in watched if one is not None for _, took in one.pace]
    return float(np.quantile(took_ns, FAST_SHARE)) if took_ns else None


def paced(
    windows: tuple[Window, ...], t0_ns: int, watched: Watched | None, fast_ns: float | None
) -> tuple[Window, ...]:
    """The windows of a stretch with the share of each in which the core was slow."""
    if watched is None or fast_ns is None or not watched.pace:
        return windows
    looks = np.array(watched.pace, dtype=np.int64)
    grades = np.log(np.maximum(looks[:, 1], 1) / (fast_ns * SLOW_FROM)) / math.log(SLOW_TO / SLOW_FROM)
    slow = np.clip(grades, 0.0, 1.0)
    found = []
    for window in windows:
        first, last = np.searchsorted(looks[:, 0], [t0_ns + window.start_ns, t0_ns + window.end_ns])
        seen = slow[first:last]
        found.append(structs.replace(window, slow=float(seen.mean()) if len(seen) >= LOOKS_MIN else None))
    return tuple(found)


def _used(start: sampler.Edge | None, end: sampler.Edge | None) -> int | None:
    if start is None or end is None or start.cpu_ns is None or end.cpu_ns is None:
        return None
    return end.cpu_ns - start.cpu_ns


def costs_of(
    entries: tuple[Entry, ...],
    windows: tuple[Window, ...],
    readings: sampler.Readings,
    memory: Sequence[tuple[int | None, int | None]],
) -> tuple[Cost, ...]:
    """What each process cost over its measured slices, its memory (held at the end, highest ever) and its size."""
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
                pss_bytes=memory[index][0],
                peak_bytes=memory[index][1],
                processes=len(pids),
                threads=thread_count(pids) or _last_threads(readings, entry.name),
            )
        )
    return tuple(costs)


def _last_threads(readings: sampler.Readings, name: str) -> int:
    return next((row.threads for row in reversed(readings.rows) if row.name == name and row.threads is not None), 0)


def gather(
    readings: sampler.Readings,
    counts: summary.Summary,
    done: Sequence[dict[str, Any]],
    watched: Watched | None,
    wrong: Sequence[str],
    slices: Sequence[load.Slice],
    mismatch: int | None,
    grain: Grain,
    generator_cores: int = 1,
    killed: Sequence[str] = (),
) -> validity.Evidence:
    """Everything that the validity checks look at, None where it could not be observed."""
    measured_from = next(piece.start_ns for piece in slices if piece.phase == "measure")
    t0_ns = readings.t0_ns
    inside = [
        late
        for at, late in (watched.pauses if watched else ())
        if t0_ns + measured_from <= at <= t0_ns + slices[-1].end_ns
    ]
    return validity.Evidence(
        sent_share=counts.sent_in_time / counts.due if counts.due else 0.0,
        generator_work=_generator_work(readings.rows, done, generator_cores),
        crowded=validity.crowded(len(done), generator_cores),
        clocks=validity.clocks(done),
        foreign_share=_foreign(
            readings, measured_from, slices[-1].end_ns, readings.core_wall_ns, watched.cpu_share if watched else 0.0
        ),
        foreign_exact=readings.core_before is not None and readings.core_before.exact,
        steal_share=_steal(readings),
        hiccup_max_ms=None if watched is None else max(inside, default=0.0),
        little=counts.little,
        strangers="; ".join(wrong) or None,
        killed="; ".join(killed) or None,
        drift=None,
        boundary_late_ns=readings.late_ns,
        count_mismatch=mismatch,
        late_share=counts.late_share if grain == "request" else None,
    )


def _generator_work(rows: Sequence[sampler.MeterRow], done: Sequence[dict[str, Any]], cores: int) -> float:
    """Largest share of a core that the generator worked while the load ran, its spinning left out.

    Of one worker, or of all on average of their cores where they share them.  From the meters' readings; a load too
    short for two of them has the share over a worker's whole life, which the wait for late answers dilutes.
    """
    shares = []
    for pid in {row.pid for row in rows if row.role == "generator"}:
        mine = [row for row in rows if row.pid == pid and row.cpu_ns is not None and row.spin_ns is not None]
        if len(mine) > 1:
            first, last = mine[0], mine[-1]
            used_ns = (last.cpu_ns or 0) - (first.cpu_ns or 0) - (last.spin_ns or 0) + (first.spin_ns or 0)
            shares.append(max(0, used_ns) / (last.t_ns - first.t_ns))
    if len(shares) < len(done):
        shares = [document["work_ns"] / document["wall_ns"] for document in done]
    return float(max(*shares, sum(shares) / min(cores, len(shares))))


def mismatch_of(ledger: Sequence[dict[str, Any]], rows: np.ndarray[Any, Any]) -> int | None:
    """Requests that the client sent less those that the servers counted; None without a ledger."""
    if not ledger:
        return None
    return int((rows["start_ns"] >= 0).sum()) - sum(int(row["requests"]) for row in ledger)


def _foreign(
    readings: sampler.Readings, start_ns: int, end_ns: int, wall_ns: int, watcher_share: float
) -> float | None:
    """Share of the arms' core that neither the arms, what is behind them or between, nor our own watcher used."""
    before, after = readings.core_before, readings.core_after
    if before is None or after is None or not wall_ns:
        return None
    start, end = readings.at_edges[start_ns], readings.at_edges[end_ns]
    used = [_used(start.get(index), end.get(index)) for index in start]
    if not used or None in used:
        return None
    ours_ns = sum(value or 0 for value in used)
    ours_ns += sum(_grown(at, start_ns, end_ns) or 0 for at in (readings.backends_at, readings.between_at))
    return max(0.0, (after.busy_ns - before.busy_ns - ours_ns) / wall_ns - watcher_share)


def _steal(readings: sampler.Readings) -> float | None:
    before, after = readings.core_before, readings.core_after
    if before is None or after is None or not readings.core_wall_ns:
        return None
    return (after.steal_ns - before.steal_ns) / readings.core_wall_ns


def utilisation_of(windows: tuple[Window, ...]) -> float | None:
    """Share of the arms' core that the arms used while they were counted; None where it cannot be read."""
    if not windows or any(window.cpu_ns is None for window in windows):
        return None
    # Arms that are loaded together share a window, which counts once.
    lengths = {(window.slice, window.start_ns): window.end_ns - window.start_ns for window in windows}
    return sum(window.cpu_ns or 0 for window in windows) / sum(lengths.values())


def backend_share_of(readings: sampler.Readings, slices: Sequence[load.Slice]) -> float | None:
    """CPU time of the services behind the arms ÷ time, over the measured phase; None where there are none."""
    measured = [piece for piece in slices if piece.phase == "measure"]
    first_ns, last_ns = measured[0].start_ns, measured[-1].end_ns
    used_ns = _grown(readings.backends_at, first_ns, last_ns)
    return None if used_ns is None else used_ns / (last_ns - first_ns)
