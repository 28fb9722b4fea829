"""Looks at the data while a session runs, on a schedule fixed in the plan, without spending error twice.

Each look may use a part of the error rate that grows as O'Brien and Fleming's boundary does: next to nothing
early, most of it at the end.  Source: Lan & DeMets, "Discrete sequential boundaries for clinical trials",
1983.  The parts are added up as if looks were unrelated (union bound), so the error is never exceeded,
whatever the correlation and the distribution; the price is a few per cent of width at the last look.
"""

from __future__ import annotations

import math
from itertools import pairwise

from msgspec import Struct

from harness.stats.distributions import normal_cdf, normal_quantile

INTERVAL_CONFIDENCE = 0.95
"""Of the intervals that are shown."""
VERDICT_CONFIDENCE = 0.99
"""Of the intervals that verdicts use."""
SHARE_MIN = 1e-3
"""Least share of the error for a look, taken from the last one: below it the quantile is beyond use."""


class Look(Struct, frozen=True):
    """One look: after how many blocks, and the confidences that keep the session's error rates."""

    blocks: int
    interval_confidence: float
    verdict_confidence: float


def look_alphas(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """Error that each look may spend; together `alpha`.

    `looks` are increasing numbers of blocks, the last one the most that the session will run.
    Raises ValueError where they are empty, not increasing or not positive.
    """
    if not looks or looks[0] < 1 or any(b <= a for a, b in pairwise(looks)):
        raise ValueError(f"looks must be increasing positive numbers of blocks, not {looks}")
    alphas: list[float] = []
    spent_before = 0.0
    z = -normal_quantile(alpha / 2)
    for look in looks[:-1]:
        spent = 2 * normal_cdf(-z / math.sqrt(look / looks[-1]))
        alphas.append(max(spent - spent_before, alpha * SHARE_MIN))
        spent_before = spent
    return (*alphas, alpha - math.fsum(alphas))


def look_confidences(looks: tuple[int, ...], confidence: float) -> tuple[float, ...]:
    """Confidence of the interval at each look, so that all of them hold together with `confidence`."""
    return tuple(1 - alpha for alpha in look_alphas(looks, 1 - confidence))


def schedule(looks: tuple[int, ...]) -> tuple[Look, ...]:
    """Give each look its confidences for shown intervals and for verdicts."""
    shown = look_confidences(looks, INTERVAL_CONFIDENCE)
    decided = look_confidences(looks, VERDICT_CONFIDENCE)
    return tuple(Look(*row) for row in zip(looks, shown, decided, strict=True))


def planned_looks(blocks_max: int, first: int = 6, count: int = 3) -> tuple[int, ...]:
    """Space up to `count` looks evenly, none before `first` blocks, the last at `blocks_max`."""
    steps = [math.ceil(blocks_max * (step + 1) / count) for step in range(count)]
    return tuple(sorted({step for step in steps if first <= step < blocks_max} | {max(1, blocks_max)}))
