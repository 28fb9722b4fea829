"""L1 that refuses to go back: an entry older than what is there, or than the last invalidation, is not kept."""

from __future__ import annotations

from typing import Generic, TypeVar

from targets.service.cache.entry import Clock, Entry
from targets.service.cache.level import Kept
from targets.service.cache.memory import Memory
from targets.service.cache.metrics import LevelMetrics

T = TypeVar("T")

MARK_S = 10.0
"""How long an invalidation is remembered: longer than any load that began before it should last."""


class VersionedMemory(Generic[T]):
    """Wraps a memory; an invalidation leaves a mark with the new version."""

    def __init__(self, inner: Memory[T], clock: Clock, metrics: LevelMetrics) -> None:
        """Guard the memory."""
        self._inner = inner
        self._clock = clock
        self._metrics = metrics

    async def get(self, key: str) -> Entry[T] | None:
        """Give the entry, or None."""
        return await self._inner.get(key)

    async def set(self, key: str, entry: Entry[T]) -> Kept:
        """Keep the entry unless a newer one or the mark of one is there."""
        held = self._inner.held(key)
        if held is not None and held.version > entry.version:
            self._metrics.counts.refused += 1
            return Kept.REFUSED
        return await self._inner.set(key, entry)

    async def delete(self, key: str, version: int | None) -> bool:
        """Forget what is older than the version and remember the version; None forgets whatever is there."""
        held = self._inner.held(key)
        if version is None:
            return await self._inner.delete(key, None)
        if held is not None and held.version >= version:
            return True
        await self._inner.delete(key, version)
        self._inner.put(key, Entry(None, version, 0.0, self._clock() + MARK_S))
        return True

    async def expire(self, key: str) -> bool:
        """Forget the entry: the instrument asked for it."""
        return await self._inner.expire(key)

    async def clear(self) -> bool:
        """Forget everything."""
        return await self._inner.clear()
