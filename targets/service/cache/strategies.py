"""What a write does to the cache, after the database has committed it.

The database always comes first: a cache that is written first shows others a value that may never be committed.
A process killed between the two leaves the old value in the cache, until its TTL.  ``cache_first`` is the other order,
as a twin: killed between the two, the process leaves a value in the cache that the database never had.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from targets.service.cache.entry import Entry
from targets.service.cache.flights import Flights
from targets.service.cache.level import Cache, Kept

T = TypeVar("T")


class AfterWrite(Protocol[T]):
    """Brings the cache in line with a write."""

    async def __call__(self, cache: Cache[T], key: str, written: Entry[T] | None, /) -> None:
        """Take note of the written record; None if it is gone."""


async def invalidate(cache: Cache[T], key: str, written: Entry[T] | None) -> None:
    """Forget the key; the next reader loads it."""
    await cache.delete(key, None if written is None else written.version)


async def write_through(cache: Cache[T], key: str, written: Entry[T] | None) -> None:
    """Set what was written; what cannot be set is forgotten, at the latest when the level answers again."""
    if written is None or await cache.set(key, written) is Kept.UNREACHED:
        await cache.delete(key, None)


async def nothing_more(_: Cache[T], __: str, ___: Entry[T] | None) -> None:
    """Leave the cache as it is: it was written before the database."""


class Forgetting(Generic[T]):
    """Lets nobody join a load that began before the write."""

    def __init__(self, flights: Flights[T], inner: AfterWrite[T]) -> None:
        """Do ``inner`` as well."""
        self._flights = flights
        self._inner = inner

    async def __call__(self, cache: Cache[T], key: str, written: Entry[T] | None) -> None:
        """Forget the load under way, then bring the cache in line."""
        self._flights.forget(key)
        await self._inner(cache, key, written)
