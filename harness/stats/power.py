"""What a session of n blocks can see: its noise floor.

Exact for normal block values (noncentral t).  An inflation above 1 means that the mean moves by that much
more than the blocks' spread says, so it multiplies the effect.
"""

from __future__ import annotations

import math

from harness.stats.distributions import noncentral_t_cdf, t_critical

VERDICT_ALPHA = 0.01
"""Verdicts are given at 99 %."""
POWER = 0.95
"""A session that misses one true effect in twenty may say that it sees it."""


def _shift(n: int, alpha: float, power: float) -> float:
    """Effect in standard errors that a two-sided t test of n values finds with `power` (bisection)."""
    critical = t_critical(1 - alpha, n - 1)
    low, high = 0.0, critical + 2.0
    # The other tail's share is ignored: with power near 1 it is nil, and ignoring it errs to the safe side.
    while noncentral_t_cdf(critical, n - 1, high) > 1 - power:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        if noncentral_t_cdf(critical, n - 1, middle) > 1 - power:
            low = middle
        else:
            high = middle
    return high


def noise_floor(
    sd: float, n: int, alpha: float = VERDICT_ALPHA, power: float = POWER, inflation: float = 1.0
) -> float | None:
    """Smallest relative effect (0.02 is 2 %) whose interval at 1 − `alpha` excludes 1 with `power`.

    `sd` is the standard deviation of the log-ratio from block to block.  None for fewer than two blocks.
    """
    if n < 2:  # noqa: PLR2004  (one block has no spread)
        return None
    return math.expm1(_shift(n, alpha, power) * sd * inflation / math.sqrt(n))
