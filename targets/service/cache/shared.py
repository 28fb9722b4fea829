"""L2: entries in Valkey, shared by all processes."""

from __future__ import annotations

import time
from typing import Generic, TypeVar

from redis.asyncio import Redis

from targets.service.cache.codec import Codec
from targets.service.cache.entry import Clock, Entry
from targets.service.cache.level import Kept
from targets.service.cache.link import Link, UnavailableError
from targets.service.cache.metrics import LevelMetrics
from targets.service.cache.writing import Writing

T = TypeVar("T")

OWED_MAX = 10_000
"""Keys that are remembered for an invalidation that failed; some MB at most."""
CLEAR_S = 10.0
"""Some million keys; nobody waits but the instrument."""
_SCAN = 1000


class Shared(Generic[T]):
    """The level behind the network: whatever goes wrong there is a miss here.

    An invalidation that fails is owed: until it has been made up for, this process does not read the key, but other
    processes may read the old value; at most until its TTL.
    """

    def __init__(
        self, link: Link, codec: Codec[T], writing: Writing, prefix: str, clock: Clock, metrics: LevelMetrics
    ) -> None:
        """Join the parts; ``prefix`` is what all keys begin with."""
        self._link = link
        self._codec = codec
        self._writing = writing
        self._prefix = prefix
        self._clock = clock
        self._metrics = metrics
        self._owed: dict[str, None] = {}

    async def get(self, key: str) -> Entry[T] | None:
        """Give the entry, or None."""
        start_ns = time.perf_counter_ns()
        entry = await self.peek(key)
        self._metrics.looked_up(time.perf_counter_ns() - start_ns, hit=entry is not None)
        return entry

    async def peek(self, key: str) -> Entry[T] | None:
        """Give the entry without counting a hit or a miss: for those who wait."""
        try:
            await self._make_up()
            raw = await self._link.ask(lambda client: client.get(key))
        except UnavailableError:
            return None
        try:
            # Always bytes: the client was told to decode nothing.
            return self._codec.read(raw) if isinstance(raw, bytes) else None
        except ValueError:
            self._metrics.counts.undecodable += 1
            return None

    async def peek_record(self, key: str) -> T | None:
        """Give the record without counting."""
        entry = await self.peek(key)
        return None if entry is None else entry.record

    async def set(self, key: str, entry: Entry[T]) -> Kept:
        """Keep the entry until it expires."""
        ttl_ms = max(1, round((entry.expires_at_s - self._clock()) * 1000))
        try:
            await self._make_up()
            taken = await self._writing.set(self._link, key, entry.version, self._codec.payload(entry), ttl_ms)
        except UnavailableError:
            return Kept.UNREACHED
        if not taken:
            self._metrics.counts.refused += 1
            return Kept.REFUSED
        self._metrics.counts.sets += 1
        return Kept.KEPT

    async def delete(self, key: str, version: int | None) -> bool:
        """Forget what is older than the version; what cannot be done now is owed, and False."""
        self._metrics.counts.invalidations += 1
        try:
            await self._writing.delete(self._link, key, version)
        except UnavailableError:
            self._owe(key)
            return False
        return True

    async def expire(self, key: str) -> bool:
        """Let the key expire now: the instrument asked for it."""
        try:
            await self._link.ask(lambda client: client.unlink(key))
        except UnavailableError:
            return False
        return True

    async def clear(self) -> bool:
        """Forget all keys of the namespace; the server's other keys stay."""
        try:
            await self._link.ask(self._unlink_all, CLEAR_S)
        except UnavailableError:
            return False
        return True

    async def ping(self) -> str:
        """Say ``ok`` or ``degraded``; asked afresh, but a server that is left alone is not asked."""
        try:
            await self._link.ask(lambda client: client.ping())
        except UnavailableError:
            return "degraded"
        return "ok"

    async def _unlink_all(self, client: Redis) -> None:
        found = []
        async for key in client.scan_iter(f"{self._prefix}*", count=_SCAN):
            found.append(key)
            if len(found) >= _SCAN:
                await client.unlink(*found)
                found.clear()
        if found:
            await client.unlink(*found)

    def _owe(self, key: str) -> None:
        self._owed[key] = None
        if len(self._owed) > OWED_MAX:
            del self._owed[next(iter(self._owed))]
            self._metrics.counts.lost += 1

    async def _make_up(self) -> None:
        """Forget every owed key before anything else is asked."""
        if not self._owed:
            return
        keys = list(self._owed)
        await self._link.ask(lambda client: client.unlink(*keys))
        for key in keys:
            if self._owed.pop(key, key) is None:
                self._metrics.counts.owed += 1
