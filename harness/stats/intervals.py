"""Intervals of the mean of block values: Student's t times a calibrated inflation, and BCa beside it.

Values are log-ratios of blocks; `ratio_interval` turns an interval of logs into one of ratios at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from harness.model import Interval
from harness.stats.distributions import normal_cdf, normal_quantile, t_critical, t_two_sided_p

BCA_MIN = 20
"""Below this many blocks the bootstrap knows too little of the tails for its correction to help."""
BCA_RESAMPLES = 8_000
"""Leaves some 20 resamples beyond each end of a 99.5 % interval."""
LOG_MAX = 30.0
"""e^30 is ten million million: a strict first look at two blocks reaches beyond what a float holds."""


def mean_and_error(values: Sequence[float]) -> tuple[float, float] | None:
    """Mean and its standard error; None for fewer than two values."""
    n = len(values)
    if n < 2:  # noqa: PLR2004  (one value has no spread)
        return None
    mean = math.fsum(values) / n
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    return mean, math.sqrt(variance / n)


def standard_deviation(values: Sequence[float]) -> float | None:
    """Return the standard deviation from block to block; None for fewer than two values."""
    summary = mean_and_error(values)
    return None if summary is None else summary[1] * math.sqrt(len(values))


def t_interval(values: Sequence[float], confidence: float, inflation: float = 1.0) -> Interval | None:
    """Mean of `values` with Student's interval, its half width multiplied by `inflation`.

    On the scale of the values (logs stay logs).  None for fewer than two values.
    """
    summary = mean_and_error(values)
    if summary is None:
        return None
    mean, error = summary
    half = t_critical(confidence, len(values) - 1) * error * inflation
    return Interval(value=mean, low=mean - half, high=mean + half, confidence=confidence)


def t_p_value(values: Sequence[float], null: float = 0.0, inflation: float = 1.0) -> float | None:
    """Two-sided p-value of "the mean is `null`" that agrees with `t_interval` at the same inflation."""
    summary = mean_and_error(values)
    if summary is None:
        return None
    mean, error = summary
    if error == 0.0:
        return 1.0 if mean == null else 0.0
    return t_two_sided_p((mean - null) / (error * inflation), len(values) - 1)


def exp_interval(interval: Interval) -> Interval:
    """Turn an interval of logs into one of ratios, its ends kept finite (within e^±`LOG_MAX`)."""
    return Interval(
        value=_exp(interval.value),
        low=_exp(interval.low),
        high=_exp(interval.high),
        confidence=interval.confidence,
    )


def _exp(log: float) -> float:
    return math.exp(min(LOG_MAX, max(-LOG_MAX, log)))


def ratio_interval(
    log_ratios: Sequence[float], confidence: float, inflation: float = 1.0, offset: float = 0.0
) -> Interval | None:
    """Geometric mean of ratios, given as logs, with its t interval on the scale of ratios.

    `offset` (a log, from the session's A/A control) widens the interval on both sides.
    """
    interval = t_interval(log_ratios, confidence, inflation)
    return None if interval is None else exp_interval(widen(interval, offset))


def widen(interval: Interval, offset: float) -> Interval:
    """Widen an interval by |`offset`| on both sides."""
    return Interval(
        value=interval.value,
        low=interval.low - abs(offset),
        high=interval.high + abs(offset),
        confidence=interval.confidence,
    )


def bca_interval(values: Sequence[float], confidence: float, seed: int) -> Interval | None:
    """Mean of `values` with Efron's bias-corrected and accelerated bootstrap interval.

    A second opinion beside the t interval, on the scale of the values.  None below `BCA_MIN` values.
    Source: Efron, "Better Bootstrap Confidence Intervals", 1987.
    """
    n = len(values)
    if n < BCA_MIN:
        return None
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    deviations = sample - mean
    square = float((deviations**2).sum())
    if square == 0.0:
        return Interval(value=mean, low=mean, high=mean, confidence=confidence)
    means = _resampled_means(sample, seed)
    # Halving ties keeps the correction at zero for a symmetric, coarse distribution.
    below = float((means < mean).mean() + (means == mean).mean() / 2)
    bias = normal_quantile(min(max(below, 1 / BCA_RESAMPLES), 1 - 1 / BCA_RESAMPLES))
    acceleration = float((deviations**3).sum()) / (6 * square**1.5)
    tail = (1 - confidence) / 2
    ends = [_corrected(bias, acceleration, normal_quantile(level)) for level in (tail, 1 - tail)]
    low, high = np.quantile(means, ends)
    return Interval(value=mean, low=min(mean, float(low)), high=max(mean, float(high)), confidence=confidence)


def _corrected(bias: float, acceleration: float, z: float) -> float:
    shifted = bias + z
    return normal_cdf(bias + shifted / (1 - acceleration * shifted))


def _resampled_means(
    sample: np.ndarray[tuple[int], np.dtype[np.float64]], seed: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Means of resamples, drawn in parts so that memory stays small whatever the number of blocks."""
    generator = np.random.default_rng(seed)
    n = len(sample)
    rows = max(1, min(BCA_RESAMPLES, 2_000_000 // n))
    parts = []
    left = BCA_RESAMPLES
    while left > 0:
        take = min(rows, left)
        parts.append(sample[generator.integers(0, n, size=(take, n))].mean(axis=1))
        left -= take
    return np.concatenate(parts)
