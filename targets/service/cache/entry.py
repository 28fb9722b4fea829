"""What is kept under a key, and for how long."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

Clock = Callable[[], float]
"""Seconds; one clock for all levels of a cache: monotonic in one process, the wall's where Valkey shares entries."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """A record with what the cache has to know of it; a record of None marks an invalidation."""

    record: T | None
    version: int
    """Counts the record's changes: the higher one is the newer one."""
    load_s: float
    """How long it took to make the record: what a recomputation will cost."""
    expires_at_s: float


def stamped(record: T, version: int, load_s: float, ttl_s: float, clock: Clock) -> Entry[T]:
    """Give the entry of a record that was made just now."""
    return Entry(record, version, load_s, clock() + ttl_s)


def drawn_ttl_s(ttl_s: float, jitter: float, draw: random.Random) -> float:
    """Draw a time to live uniformly from ttl·(1 ± jitter): keys that were set together do not expire together."""
    return ttl_s * draw.uniform(1 - jitter, 1 + jitter)
