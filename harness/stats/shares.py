"""Shares: how often something happened in n trials, and whether two shares are one."""

from __future__ import annotations

import math

from harness.model import Interval

TIE = 1 + 1e-9
"""Tables that are as unlikely as the observed one count, whatever rounding says."""


def share_interval(events: int, trials: int, confidence: float) -> Interval:
    """Exact interval of a share (Clopper and Pearson, 1934): never narrower than it says.

    Raises ValueError without a trial, or with more events than trials.
    """
    from scipy.special import betaincinv  # noqa: PLC0415  (slow to import; few commands need it)

    if not 0 <= events <= trials or not trials:
        raise ValueError(f"{events} of {trials} is no share")
    tail = (1 - confidence) / 2
    low = float(betaincinv(events, trials - events + 1, tail)) if events else 0.0
    high = float(betaincinv(events + 1, trials - events, 1 - tail)) if events < trials else 1.0
    return Interval(value=events / trials, low=low, high=high, confidence=confidence)


def difference_p(first: tuple[int, int], second: tuple[int, int]) -> float:
    """p-value of "both (events, trials) come from one share": Fisher's exact test (1922), two-sided."""
    (a, n), (b, m) = first, second
    events = a + b

    def chance(k: int) -> float:
        return math.comb(n, k) * math.comb(m, events - k) / math.comb(n + m, events)

    seen = chance(a) * TIE
    possible = range(max(0, events - m), min(n, events) + 1)
    return min(1.0, math.fsum(chance(k) for k in possible if chance(k) <= seen))
