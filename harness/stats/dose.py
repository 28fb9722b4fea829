"""Dose and response: known burns are injected, and the measured ratio must follow them one to one.

An A/A never shows a design that hides a part of every difference; doses do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from harness.model import Interval
from harness.stats.distributions import t_critical


class DoseResponse(Struct, frozen=True):
    """Straight line of measured over injected log-ratios, one point per block."""

    slope: Interval
    intercept: Interval
    """A log: 0.003 is 0.3 %."""
    residual_sd: float
    n: int


def dose_response(
    injected: Sequence[float], measured: Sequence[float], confidence: float = 0.95, inflation: float = 1.0
) -> DoseResponse | None:
    """Fit measured = intercept + slope × injected by least squares; both are log-ratios of blocks.

    The injected ratio must be known better than the measured one: its own error would flatten the slope.
    None for fewer than three blocks or equal doses.  Raises ValueError where the lengths differ.
    """
    pairs = list(zip(injected, measured, strict=True))
    n = len(pairs)
    # Equal doses are compared as given: rounding would leave a spread of 1e-34 to divide by.
    if n < 3 or min(injected) == max(injected):  # noqa: PLR2004  (two points always lie on a line)
        return None
    x_mean, y_mean = math.fsum(injected) / n, math.fsum(measured) / n
    xx = math.fsum((x - x_mean) ** 2 for x, _ in pairs)
    slope = math.fsum((x - x_mean) * (y - y_mean) for x, y in pairs) / xx
    intercept = y_mean - slope * x_mean
    residual = math.sqrt(math.fsum((y - intercept - slope * x) ** 2 for x, y in pairs) / (n - 2))
    half = t_critical(confidence, n - 2) * residual * inflation
    return DoseResponse(
        slope=_around(slope, half / math.sqrt(xx), confidence),
        intercept=_around(intercept, half * math.sqrt(1 / n + x_mean**2 / xx), confidence),
        residual_sd=residual,
        n=n,
    )


def _around(value: float, half: float, confidence: float) -> Interval:
    return Interval(value=value, low=value - half, high=value + half, confidence=confidence)
