"""Probabilistic early expiry (XFetch: Vattani, Chierichetti, Lowenstein, VLDB 2015)."""

from __future__ import annotations

import math
import random
from typing import Any

from targets.service.cache.entry import Clock, Entry

BETA = 1.0
"""The paper's optimum; above 1 entries are renewed earlier."""


def never(_: Entry[Any]) -> bool:
    """Renew nothing before it has expired."""
    return False


class Early:
    """Draws, at each hit, whether to renew: at r seconds before the expiry with probability exp(-r / (load_s · β))."""

    def __init__(self, clock: Clock, draw: random.Random, beta: float = BETA) -> None:
        """Take the clock of the entries."""
        self._clock = clock
        self._draw = draw
        self._beta = beta

    def __call__(self, entry: Entry[Any]) -> bool:
        """Tell whether the entry should be renewed now."""
        # 1 - random() is never 0, of which there is no logarithm.
        ahead_s = -entry.load_s * self._beta * math.log(1 - self._draw.random())
        return self._clock() + ahead_s >= entry.expires_at_s
