"""Due times of the open model, decided before the first request.

Arrivals do not wait for answers: a server that stalls meets the requests that its users would have
sent, and their latency counts from the instant at which they were due.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from random import Random

from .switches import Slice
from .trial import S_NS, Trial


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Parallel columns, sorted by due time (ns from t0): when, to which arm, in which slice, who."""

    due_ns: array[int]
    entry: array[int]
    slice: array[int]
    logical_id: array[int]

    def __len__(self) -> int:
        """Count the requests."""
        return len(self.due_ns)


def arrivals_of(trial: Trial, slices: tuple[Slice, ...]) -> Arrivals:
    """Decide every due time of this worker: each ``workers``-th of the whole trial's.

    In each slice every loaded arm sees an exact Poisson process of ``rate_rps`` (constant: equal gaps)
    up to the slice's quiet end.  Arms that are loaded together get equal counts: they share one list, and
    at each of its points a shuffle decides which arm is due there and which ones ``1 ÷ (arms × rate)``
    later.  Displacing the points of a Poisson process independently of each other leaves a Poisson process
    (the displacement theorem), and the lag keeps the arms from colliding.
    """
    columns = Arrivals(array("q"), array("B"), array("I"), array("q"))
    number = 0
    for one in slices:
        for due_ns, entry in _slice(trial, one):
            if number % trial.workers == trial.worker - 1:
                columns.due_ns.append(due_ns)
                columns.entry.append(entry)
                columns.slice.append(one.index)
                columns.logical_id.append(number)
            number += 1
    return columns


def _slice(trial: Trial, one: Slice) -> list[tuple[int, int]]:
    """Give (due, arm) of one slice, sorted.

    A lag past the quiet end wraps round to the slice's start, which keeps both the count and the process.
    """
    random = Random(f"arrivals {trial.seed} {one.pattern}")
    rate_rps, width_ns = trial.load.rate_rps, one.quiet_ns - one.start_ns
    poisson = trial.load.arrivals == "poisson"
    base = _poisson(random, rate_rps, width_ns) if poisson else _constant(random, rate_rps, width_ns)
    entries = list(one.entries)
    lags = [round(i * S_NS / (len(entries) * rate_rps)) for i in range(len(entries))]
    dues: list[tuple[int, int]] = []
    if not poisson:
        random.shuffle(entries)
    for point_ns in base:
        if poisson and len(entries) > 1:
            random.shuffle(entries)
        for entry, lag_ns in zip(entries, lags, strict=True):
            dues.append((one.start_ns + (point_ns + lag_ns) % width_ns, entry))
    dues.sort()
    return dues


def _poisson(random: Random, rate_rps: float, width_ns: int) -> list[int]:
    """Points of a Poisson process on [0, width): exponential gaps."""
    points: list[int] = []
    draw, per_ns = random.expovariate, rate_rps / S_NS
    at_ns = draw(per_ns)
    while at_ns < width_ns:
        points.append(int(at_ns))
        at_ns += draw(per_ns)
    return points


def _constant(random: Random, rate_rps: float, width_ns: int) -> list[int]:
    """Points at equal gaps with a random phase."""
    gap_ns = S_NS / rate_rps
    phase_ns = random.random() * min(gap_ns, width_ns)
    return [int(phase_ns + i * gap_ns) for i in range(max(0, int((width_ns - 1 - phase_ns) // gap_ns) + 1))]
