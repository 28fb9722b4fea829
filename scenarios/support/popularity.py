"""How often each of many things is asked for."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from random import Random


def zipf(random: Random, count: int, exponent: float, draws: int) -> list[int]:
    """Draw numbers from 1 to ``count``, the k-th as often as 1 ÷ k^exponent."""
    total = list(accumulate(1 / rank**exponent for rank in range(1, count + 1)))
    return [bisect_left(total, random.random() * total[-1]) + 1 for _ in range(draws)]
