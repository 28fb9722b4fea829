"""What a cache counts: cheap enough to stay on, and read by the instrument."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

_PER_OCTAVE = 4
"""Buckets of a histogram are a fourth of an octave wide: a quantile is right within 10 %."""


@dataclass(slots=True)
class Latency:
    """Times of one operation: their number, their sum and a log-spaced histogram."""

    count: int = 0
    sum_ns: int = 0
    _buckets: Counter[int] = field(default_factory=Counter)

    def add(self, elapsed_ns: int) -> None:
        """Count one time."""
        self.count += 1
        self.sum_ns += elapsed_ns
        self._buckets[int(_PER_OCTAVE * math.log2(elapsed_ns or 1))] += 1

    def quantile_us(self, share: float) -> float | None:
        """Give the middle of the bucket that holds this share of the times, in µs; None before the first."""
        left = share * self.count
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return float(2 ** ((bucket + 0.5) / _PER_OCTAVE)) / 1e3
        return None

    def report(self) -> dict[str, Any]:
        """Give the figures as JSON can carry them."""
        quantiles = {"p50_us": self.quantile_us(0.5), "p99_us": self.quantile_us(0.99)}
        return {"count": self.count, "sum_us": self.sum_ns / 1e3, **quantiles}


@dataclass(slots=True)
class Counts:
    """What one level did."""

    hits: int = 0
    misses: int = 0
    """Gets that gave nothing, for whatever reason."""
    errors: int = 0
    """Commands that Valkey failed at or did not answer in time."""
    skipped: int = 0
    """Commands that were not sent, because the level is left alone after an error."""
    undecodable: int = 0
    sets: int = 0
    refused: int = 0
    """Sets that came too late: a newer version, or the mark of a newer one, was there."""
    invalidations: int = 0
    owed: int = 0
    """Invalidations that failed and were made up for when the level answered again."""
    lost: int = 0
    """Invalidations that failed and were given up: their keys may be stale until their TTL."""


@dataclass(slots=True)
class LevelMetrics:
    """Counts of a level and the times of its gets."""

    counts: Counts = field(default_factory=Counts)
    get: Latency = field(default_factory=Latency)

    def looked_up(self, elapsed_ns: int, *, hit: bool) -> None:
        """Count one get."""
        self.get.add(elapsed_ns)
        if hit:
            self.counts.hits += 1
        else:
            self.counts.misses += 1

    def report(self) -> dict[str, Any]:
        """Give counts and times as JSON can carry them."""
        return {**asdict(self.counts), "get": self.get.report()}


@dataclass(slots=True)
class Metrics:
    """What happened above the levels."""

    loads: int = 0
    """Recomputations: how often the database was asked for a record."""
    early: int = 0
    """Loads that began before the entry had expired."""
    joined: int = 0
    """Gets that were given the result of a load under way in this process."""
    lock_waits: int = 0
    """Loads that waited because another process held the key's lock."""
    lock_timeouts: int = 0
    """Loads that did not wait for the lock any longer."""
    levels: dict[str, LevelMetrics] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        """Give everything as JSON can carry it."""
        own = {name: getattr(self, name) for name in ("loads", "early", "joined", "lock_waits", "lock_timeouts")}
        return {**own, "levels": {name: level.report() for name, level in self.levels.items()}}
