"""Dose and response: known burns are injected, and the measured ratio must follow them one to one.

An A/A never shows a design that hides a part of every difference; doses do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from harness.model import Interval
from harness.stats.distributions import t_critical

SLOPE = (0.97, 1.03)
"""A true difference of 10 % may be shown as 9.7 to 10.3 %."""
INTERCEPT = 0.003
"""No dose may be shown as 0.3 % at most."""

Answer = Literal["right", "wrong", "unclear"]


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


def slope_answer(response: DoseResponse) -> Answer:
    """Whether the slope's interval lies inside, wholly outside, or across the bounds `SLOPE`."""
    return _answer(response.slope, *SLOPE)


def intercept_answer(response: DoseResponse) -> Answer:
    """Whether the intercept's interval lies inside, wholly outside, or across 0 ± `INTERCEPT`."""
    return _answer(response.intercept, -INTERCEPT, INTERCEPT)


def _answer(interval: Interval, low: float, high: float) -> Answer:
    if low <= interval.low and interval.high <= high:
        return "right"
    return "wrong" if interval.high < low or interval.low > high else "unclear"


def _around(value: float, half: float, confidence: float) -> Interval:
    return Interval(value=value, low=value - half, high=value + half, confidence=confidence)
