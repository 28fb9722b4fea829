"""The lock between processes: a key in Valkey that one of them holds."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from redis.commands.core import AsyncScript

from targets.service.cache import scripts
from targets.service.cache.link import Link, UnavailableError
from targets.service.cache.metrics import Metrics

T = TypeVar("T")

POLL_S = 0.01
"""How often losers look: a tenth of the time-out, so that waiting costs Valkey little."""


class RemoteLock(Generic[T]):
    """One process loads, the others wait for what it sets.

    Without Valkey everyone loads: a lock must not be what makes the service fail.
    """

    def __init__(self, link: Link, look: Callable[[str], Awaitable[T | None]], metrics: Metrics, lock_s: float) -> None:
        """Use the link; ``look`` gives what has been set, ``lock_s`` bounds a lock's life and a loser's patience."""
        self._link = link
        self._look = look
        self._metrics = metrics
        self._lock_s = lock_s
        self._release: AsyncScript = link.client.register_script(scripts.RELEASE)

    async def __call__(self, key: str, load: Callable[[], Awaitable[T | None]]) -> T | None:
        """Load while holding the key's lock, or wait for who does; after the bound, load all the same."""
        lock, token = f"{key}:lock", secrets.token_hex(16)
        deadline_s = time.monotonic() + self._lock_s
        waited = False
        with contextlib.suppress(UnavailableError):
            while time.monotonic() < deadline_s:
                if await self._acquire(lock, token):
                    return await self._locked(key, lock, token, load)
                if not waited:
                    self._metrics.lock_waits += 1
                    waited = True
                found = await self._look(key)
                if found is not None:
                    return found
                await asyncio.sleep(POLL_S)
            self._metrics.lock_timeouts += 1
        return await load()

    async def _acquire(self, lock: str, token: str) -> bool:
        return bool(await self._link.ask(lambda client: client.set(lock, token, nx=True, px=int(self._lock_s * 1000))))

    async def _locked(self, key: str, lock: str, token: str, load: Callable[[], Awaitable[T | None]]) -> T | None:
        try:
            # Another one may have loaded and released between this one's miss and its lock.
            found = await self._look(key)
            return await load() if found is None else found
        finally:
            with contextlib.suppress(UnavailableError):
                await self._link.ask(lambda _: self._release([lock], [token]))
