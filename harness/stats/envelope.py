"""One figure from several grains: the reference grain's point, the envelope of all grains' intervals.

A grain is a way of interleaving two arms; each may be biased in its own way, and its own spread between
blocks never shows that bias.  How far grains lie apart does, so it is part of the uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from harness.model import Grain, Interval
from harness.stats.intervals import mean_and_error, ratio_interval
from harness.stats.looks import INTERVAL_CONFIDENCE, VERDICT_CONFIDENCE


class GrainFigure(Struct, frozen=True):
    """What one grain measured: ratio with its shown and its verdict interval."""

    grain: Grain
    n: int
    log_mean: float
    log_error: float
    """Standard error of `log_mean`, inflation included."""
    shown: Interval
    decided: Interval


class Combined(Struct, frozen=True):
    """The figure of all grains used."""

    reference: Grain
    n: int
    """Blocks of the reference grain."""
    shown: Interval
    decided: Interval
    grain_spread: float | None
    """Largest difference between two grains' log-ratios (0.02 is about 2 %); None with one grain."""
    grains_differ: bool
    """Whether two grains lie further apart than √(s₁² + s₂²), their standard errors, allows."""


def grain_figure(
    grain: Grain,
    log_ratios: Sequence[float],
    *,
    inflation: float = 1.0,
    verdict_inflation: float | None = None,
    offset: float = 0.0,
    confidence: float = INTERVAL_CONFIDENCE,
    verdict_confidence: float = VERDICT_CONFIDENCE,
) -> GrainFigure | None:
    """Summarise the blocks of one grain; None for fewer than two blocks.

    `offset` is what the session's A/A control widens this grain by; `verdict_inflation` is the factor
    calibrated at the verdict's confidence (`inflation` where it is None).
    """
    summary = mean_and_error(log_ratios)
    strict = inflation if verdict_inflation is None else verdict_inflation
    shown = ratio_interval(log_ratios, confidence, inflation, offset)
    decided = ratio_interval(log_ratios, verdict_confidence, strict, offset)
    if summary is None or shown is None or decided is None:
        return None
    return GrainFigure(grain, len(log_ratios), summary[0], summary[1] * inflation, shown, decided)


def combine(figures: Mapping[Grain, GrainFigure], reference: Grain) -> Combined | None:
    """Join the grains: the point is the reference grain's, low and high the envelope over all grains.

    None where the reference grain has no figure.
    """
    chosen = figures.get(reference)
    if chosen is None:
        return None
    every = list(figures.values())
    pairs = [(a, b) for place, a in enumerate(every) for b in every[place + 1 :]]
    return Combined(
        reference=reference,
        n=chosen.n,
        shown=_envelope(chosen.shown, [figure.shown for figure in every]),
        decided=_envelope(chosen.decided, [figure.decided for figure in every]),
        grain_spread=max((abs(a.log_mean - b.log_mean) for a, b in pairs), default=None),
        grains_differ=any(abs(a.log_mean - b.log_mean) > math.hypot(a.log_error, b.log_error) for a, b in pairs),
    )


def _envelope(point: Interval, intervals: Sequence[Interval]) -> Interval:
    return Interval(
        value=point.value,
        low=min(interval.low for interval in intervals),
        high=max(interval.high for interval in intervals),
        confidence=point.confidence,
    )
