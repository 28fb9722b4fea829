"""The lock inside a process: who comes while a load is under way gets its result."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from targets.service.cache.metrics import Metrics

T = TypeVar("T")


class Once(Protocol[T]):
    """Decides who loads."""

    async def __call__(self, key: str, load: Callable[[], Awaitable[T | None]], /) -> T | None:
        """Give the record: loaded by the caller or by another."""


async def everyone_loads(_: str, load: Callable[[], Awaitable[T | None]]) -> T | None:
    """No protection: as many loads as requests that miss."""
    return await load()


class Flights(Generic[T]):
    """Loads under way by key.

    Better than a lock that makes the losers look again: a record that does not exist is shared as well.
    """

    def __init__(self, inner: Once[T], metrics: Metrics) -> None:
        """Start with none; ``inner`` decides among the processes."""
        self._inner = inner
        self._metrics = metrics
        self._flying: dict[str, asyncio.Task[T | None]] = {}

    async def __call__(self, key: str, load: Callable[[], Awaitable[T | None]]) -> T | None:
        """Join the load of the key, or begin it; it goes on when the one who began it is gone."""
        flight = self._flying.get(key)
        if flight is None:
            flight = asyncio.create_task(self._load(key, load))
            self._flying[key] = flight
            flight.add_done_callback(lambda done: self._land(key, done))
        else:
            self._metrics.joined += 1
        return await asyncio.shield(flight)

    def forget(self, key: str) -> None:
        """Let nobody join the load under way: it may have read what has just been changed."""
        self._flying.pop(key, None)

    async def _load(self, key: str, load: Callable[[], Awaitable[T | None]]) -> T | None:
        return await self._inner(key, load)

    def _land(self, key: str, flight: asyncio.Task[T | None]) -> None:
        if self._flying.get(key) is flight:
            del self._flying[key]
        if not flight.cancelled():
            # Taken note of: all who waited may be gone, and asyncio would complain about an error nobody saw.
            flight.exception()
