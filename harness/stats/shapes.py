"""Shapes of a curve over a grid: how it grows, where two curves part or cross, where it is best.

Every estimate is taken block by block and then over the blocks, so that its interval holds what a repeat of the
whole experiment would show.  Costs and grids are positive and are worked on as logs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import takewhile

import numpy as np
from msgspec import Struct

from harness.model import Interval
from harness.stats.intervals import ratio_interval

Curve = Mapping[float, float]
"""Place on the grid → figure, of one block."""


def growth(curves: Sequence[Curve], confidence: float) -> Interval | None:
    """Figure at the last place ÷ at the first, over the blocks; None with fewer than two blocks."""
    logs = [math.log(curve[max(curve)] / curve[min(curve)]) for curve in curves]
    return ratio_interval(logs, confidence)


def ratios(upper: Sequence[Curve], lower: Sequence[Curve], at: float) -> list[float]:
    """Log-ratios of two curves at one place, block by block."""
    return [math.log(one[at] / other[at]) for one, other in zip(upper, lower, strict=True)]


class Crossing(Struct, frozen=True):
    """Where one curve reaches a multiple of another."""

    at: Interval | None
    """Places that were measured, and between them the likeliest one; None where the grid does not hold both ends."""
    n: int
    below: int
    """Blocks in which it is reached at the first place already."""


def crossing(upper: Sequence[Curve], lower: Sequence[Curve], level: float, confidence: float) -> Crossing:
    """Place from which on ``upper`` is ``level`` times ``lower``, over the blocks; the ratio may fall by noise only.

    Nothing is known of a curve between two places: a straight line between them is wrong by half of their distance
    where the curve jumps.  So both ends of the interval are places that were measured.  From the first place on the
    ratio is tested to be below the level until that is not certain any more, and from the last place back to be above
    it; tests in an order that is fixed need no correction (fixed-sequence procedure: Maurer, Hothorn and Lehmacher,
    1995).  The value within is read off a log-log line through the means of all blocks, made non-decreasing.
    """
    places = sorted(upper[0]) if upper else []
    logs = [ratios(upper, lower, place) for place in places]
    tested = list(zip(places, (ratio_interval(found, confidence) for found in logs), strict=True))
    under = list(takewhile(lambda one: one[1] is not None and one[1].high < level, tested))
    over = list(takewhile(lambda one: one[1] is not None and one[1].low > level, reversed(tested)))
    means = _rising([math.fsum(found) / len(found) for found in logs])
    value = _first(places, means, math.log(level)) if under and over else None
    at = None
    if value is not None:
        at = Interval(value=value, low=under[-1][0], high=over[-1][0], confidence=confidence)
    below = sum(found > math.log(level) for found in logs[0]) if logs else 0
    return Crossing(at=at, n=len(upper), below=below)


def _rising(values: Sequence[float]) -> list[float]:
    """The nearest non-decreasing sequence (least squares)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        pools.append((value, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (first, n), (second, m) = pools[-2:]
            pools[-2:] = [((first * n + second * m) / (n + m), n + m)]
    return [value for value, count in pools for _ in range(count)]


def _first(places: Sequence[float], logs: Sequence[float], level: float) -> float | None:
    """Where a rising line first reaches the level; None where it begins above it or never does."""
    if logs[0] > level or logs[-1] < level:
        return None
    for number in range(1, len(places)):
        before, after = logs[number - 1], logs[number]
        if after >= level:
            share = 0.0 if after == before else (level - before) / (after - before)
            low, high = math.log(places[number - 1]), math.log(places[number])
            return math.exp(low + share * (high - low))
    return places[0]


class Optimum(Struct, frozen=True):
    """Where a figure of which more is better is best, and what the end of the grid gives beside it."""

    best: float
    """The place that is best over all blocks."""
    chosen: dict[float, int]
    """Place → blocks in which it is best."""
    last: Interval | None
    """Figure at the last place ÷ at the best one, which each block takes from the other blocks."""
    first: Interval | None
    """The same for the first place."""


def optimum(curves: Sequence[Curve], confidence: float) -> Optimum | None:
    """Best place, and the figures at both ends beside it; None with fewer than three blocks.

    The best of noisy figures flatters itself.  So each block is compared at the place that the others found best.
    """
    if len(curves) < 3:  # noqa: PLR2004  (two others choose, one is compared)
        return None
    places = sorted(curves[0])
    logs = np.log(np.array([[curve[at] for at in places] for curve in curves]))
    best = int(logs.mean(axis=0).argmax())
    last, first = [], []
    for number in range(len(curves)):
        others = np.delete(logs, number, axis=0).mean(axis=0)
        chosen = int(others.argmax())
        last.append(float(logs[number, -1] - logs[number, chosen]))
        first.append(float(logs[number, 0] - logs[number, chosen]))
    winners = [places[int(row.argmax())] for row in logs]
    return Optimum(
        best=places[best],
        chosen={at: winners.count(at) for at in places if at in winners},
        last=ratio_interval(last, confidence),
        first=ratio_interval(first, confidence),
    )
