"""L1: entries in the memory of this process, the least recently used ones dropped first."""

from __future__ import annotations

import contextlib
import time
from typing import Generic, TypeVar

from cachetools import TLRUCache

from targets.service.cache.entry import Clock, Entry
from targets.service.cache.level import Kept
from targets.service.cache.metrics import LevelMetrics

T = TypeVar("T")


class Memory(Generic[T]):
    """A cachetools cache whose entries carry their own time to live.

    No lock: the event loop's thread alone comes here, and nothing is awaited between a look and a set.
    Other processes have their own: what they change is stale here for up to ``ttl_max_s``.
    """

    def __init__(self, size: int, ttl_max_s: float, clock: Clock, metrics: LevelMetrics) -> None:
        """Keep up to ``size`` entries, none longer than ``ttl_max_s``."""

        def until_s(_: str, entry: Entry[T], now_s: float) -> float:
            # A mark must outlast the loads that it stops, however short entries live.
            return entry.expires_at_s if entry.record is None else min(entry.expires_at_s, now_s + ttl_max_s)

        self._entries: TLRUCache[str, Entry[T]] = TLRUCache(size, until_s, clock)
        self._metrics = metrics

    async def get(self, key: str) -> Entry[T] | None:
        """Give the entry, or None."""
        start_ns = time.perf_counter_ns()
        entry = self.held(key)
        found = None if entry is None or entry.record is None else entry
        self._metrics.looked_up(time.perf_counter_ns() - start_ns, hit=found is not None)
        return found

    async def set(self, key: str, entry: Entry[T]) -> Kept:
        """Keep the entry, whatever was there."""
        self._metrics.counts.sets += 1
        self.put(key, entry)
        return Kept.KEPT

    async def delete(self, key: str, _: int | None) -> bool:
        """Forget the entry, whatever its version."""
        self._metrics.counts.invalidations += 1
        return await self.expire(key)

    async def expire(self, key: str) -> bool:
        """Forget the entry: the instrument asked for it."""
        # cachetools' pop looks first: an entry that expires between its look and its deletion would be an error.
        with contextlib.suppress(KeyError):
            del self._entries[key]
        return True

    async def clear(self) -> bool:
        """Forget everything."""
        self._entries.clear()
        return True

    def held(self, key: str) -> Entry[T] | None:
        """Give what is there, a mark too."""
        try:
            return self._entries[key]
        except KeyError:
            return None

    def put(self, key: str, entry: Entry[T]) -> None:
        """Put an entry or a mark there, uncounted."""
        self._entries[key] = entry
