"""Shares: how often something happened in n trials, and whether two shares are one."""

from __future__ import annotations

import math
from collections.abc import Sequence

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


TABLES = 20_000
"""Tables drawn for the test of several shares: a p-value of 0.01 comes out within a tenth of itself."""


def heterogeneity_p(shares: Sequence[tuple[int, int]], seed: int = 7) -> float:
    """p-value of "all (events, trials) come from one share".

    Pearson's X² against tables with the same margins: exact by complete enumeration for two shares (Fisher), by
    drawing tables for more (Hope, 1968); the same seed gives the same value.  1 where all or none happened.
    """
    import numpy as np  # noqa: PLC0415  (slow to import; few commands need it)

    if len(shares) == 2:  # noqa: PLR2004  (two shares have an exact test)
        return difference_p(shares[0], shares[1])
    trials = np.array([n for _, n in shares])
    events = np.array([k for k, _ in shares])
    total = int(events.sum())
    if total in {0, int(trials.sum())}:
        return 1.0
    expected = trials * (total / trials.sum())
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(trials, total, size=TABLES)
    # The second column's part of X² has the same numerator, so one column orders the tables alike.
    weights = 1 / expected + 1 / (trials - expected)
    seen = float(((events - expected) ** 2 * weights).sum())
    others = ((drawn - expected) ** 2 * weights).sum(axis=1)
    return (1 + int((others >= seen / TIE).sum())) / (TABLES + 1)


def difference_p(first: tuple[int, int], second: tuple[int, int]) -> float:
    """p-value of "both (events, trials) come from one share": Fisher's exact test (1922), two-sided."""
    (a, n), (b, m) = first, second
    events = a + b

    def chance(k: int) -> float:
        return math.comb(n, k) * math.comb(m, events - k) / math.comb(n + m, events)

    seen = chance(a) * TIE
    possible = range(max(0, events - m), min(n, events) + 1)
    return min(1.0, math.fsum(chance(k) for k in possible if chance(k) <= seen))


def sign_p(first: int, second: int) -> float:
    """p-value of "either side wins as easily" where `first` cases went one way and `second` the other.

    Exact, two-sided (the sign test; McNemar's for pairs, 1947): both tails of a fair coin, which are alike.
    """
    n = first + second
    tail = sum(math.comb(n, k) for k in range(min(first, second) + 1))
    return min(1.0, math.ldexp(tail, 1 - n))
