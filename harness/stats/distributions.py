"""Quantiles and tails of the few distributions that the statistics need.

scipy.special is imported inside the functions: it takes a fifth of a second, which a command that
computes no interval should not pay.  scipy.stats would take several times as long.
"""

from __future__ import annotations

import math
from functools import lru_cache


@lru_cache(maxsize=4096)
def t_quantile(probability: float, degrees: float) -> float:
    """Value that Student's t with `degrees` degrees of freedom stays below with `probability`."""
    from scipy.special import stdtrit  # noqa: PLC0415  (see the module's docstring)

    return float(stdtrit(degrees, probability))


@lru_cache(maxsize=4096)
def t_critical(confidence: float, degrees: float) -> float:
    """Multiple of the standard error on each side of a two-sided interval at `confidence`."""
    # The lower tail keeps its digits where 1 − tail would lose them.
    return -t_quantile((1 - confidence) / 2, degrees)


def t_two_sided_p(statistic: float, degrees: float) -> float:
    """Probability of a |t| at least as large as `statistic` where the null hypothesis holds."""
    from scipy.special import stdtr  # noqa: PLC0415  (see the module's docstring)

    return min(1.0, 2 * float(stdtr(degrees, -abs(statistic))))


@lru_cache(maxsize=1024)
def normal_quantile(probability: float) -> float:
    """Value that a standard normal variable stays below with `probability`."""
    from scipy.special import ndtri  # noqa: PLC0415  (see the module's docstring)

    return float(ndtri(probability))


def normal_cdf(value: float) -> float:
    """Probability that a standard normal variable stays below `value`."""
    return math.erfc(-value / math.sqrt(2)) / 2


def noncentral_t_cdf(value: float, degrees: float, shift: float) -> float:
    """Probability that a noncentral t variable (noncentrality `shift`) stays below `value`."""
    from scipy.special import nctdtr  # noqa: PLC0415  (see the module's docstring)

    return float(nctdtr(degrees, shift, value))


def f_tail(value: float, numerator: float, denominator: float) -> float:
    """Probability that an F variable with these degrees of freedom exceeds `value`."""
    from scipy.special import fdtrc  # noqa: PLC0415  (see the module's docstring)

    return float(fdtrc(numerator, denominator, value))
