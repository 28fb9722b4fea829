"""Does the effect depend on the condition?  Cochran's Q over conditions, with Welch's correction.

Q compares weighted means as if their variances were known, which with a handful of blocks per condition
finds interactions that are not there.  Welch's correction pays for estimating them and tends to Q's own
p-value as the blocks grow.  Sources: Cochran, "Problems arising in the analysis of a series of similar experiments",
1937; Welch, "On the comparison of several mean values: an alternative approach", 1951.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from harness.stats.distributions import f_tail
from harness.stats.intervals import mean_and_error

ERROR_MIN = 1e-12
"""Stands for a spread of zero, which only made-up values have: a weight must be finite."""


class Heterogeneity(Struct, frozen=True):
    """Cochran's Q, the p-value of "all conditions share one effect", and how many conditions took part."""

    q: float
    p: float
    conditions: int


def interaction(groups: Sequence[Sequence[float]], inflation: float = 1.0) -> Heterogeneity | None:
    """Test whether the groups (block log-ratios, one group per condition) share one mean.

    None where fewer than two groups have two blocks each.
    """
    kept = [(len(group), summary) for group in groups if (summary := mean_and_error(group)) is not None]
    count = len(kept)
    if count < 2:  # noqa: PLR2004  (an interaction is between two)
        return None
    weights = [1 / max(error * inflation, ERROR_MIN) ** 2 for _, (_, error) in kept]
    total = math.fsum(weights)
    means = [mean for _, (mean, _) in kept]
    middle = math.fsum(w * m for w, m in zip(weights, means, strict=True)) / total
    q = math.fsum(w * (m - middle) ** 2 for w, m in zip(weights, means, strict=True))
    doubt = math.fsum((1 - w / total) ** 2 / (n - 1) for w, (n, _) in zip(weights, kept, strict=True))
    statistic = q / (count - 1) / (1 + 2 * (count - 2) / (count**2 - 1) * doubt)
    return Heterogeneity(q=q, p=f_tail(statistic, count - 1, (count**2 - 1) / (3 * doubt)), conditions=count)
