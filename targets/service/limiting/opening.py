"""Puts a limiter together as the settings say, and takes it apart at the end."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from targets.service.limiting import bucket, fixed, sliding
from targets.service.limiting.memory import MemoryLimiter, Step
from targets.service.limiting.quota import SECOND_US, Limiter, Quota, UnavailableError
from targets.service.practices.rate_limit import Bucket, Fixed, Sliding

PAUSE_S = 1.0
"""How long Valkey is left alone after an error: one request a second pays for a server that hangs."""


class Algorithm(NamedTuple):
    """One step, in this process and in Valkey."""

    step: Step[Any]
    lua: str


ALGORITHMS: Mapping[type[Any], Algorithm] = {
    Fixed: Algorithm(fixed.step, fixed.LUA),
    Sliding: Algorithm(sliding.step, sliding.LUA),
    Bucket: Algorithm(bucket.step, bucket.LUA),
}


class Opened(NamedTuple):
    """A limiter, and how its store is asked whether it can be used; None where there is no store to ask."""

    limiter: Limiter
    ping: Callable[[], Awaitable[str | None]] | None = None


@asynccontextmanager
async def opened(chosen: Fixed | Sliding | Bucket, url: str | None = None) -> AsyncIterator[Opened]:
    """Give the limiter until the block ends; ``url`` None means REDIS_URL, which only one of the stores needs."""
    algorithm = ALGORITHMS[type(chosen)]
    if chosen.store == "memory":
        yield Opened(MemoryLimiter(quota_of(chosen), algorithm.step, wall_us))
        return

    from targets.service.cache.breaker import Breaker  # noqa: PLC0415  (memory needs no client)
    from targets.service.cache.link import Link  # noqa: PLC0415
    from targets.service.cache.metrics import LevelMetrics  # noqa: PLC0415
    from targets.service.cache.url import VARIABLE  # noqa: PLC0415
    from targets.service.limiting.valkey import ValkeyLimiter, connected  # noqa: PLC0415

    where = os.environ.get(VARIABLE, "") if url is None else url
    async with connected(where, chosen.timeout_s) as client:
        link = Link(client, Breaker(time.monotonic, PAUSE_S), LevelMetrics())
        # One algorithm cannot read what another has left, nor what was counted under another limit.
        prefix = f"{chosen.namespace}:{chosen.kind}:{chosen.limit}:{chosen.window_s}:"
        limiter = ValkeyLimiter(link, algorithm.lua, quota_of(chosen), prefix, chosen.timeout_s)
        yield Opened(limiter, _lenient(limiter.ping) if chosen.fail == "open" else limiter.ping)


def _lenient(ping: Callable[[], Awaitable[str | None]]) -> Callable[[], Awaitable[str | None]]:
    """Say ``degraded`` where the store is away: without it everyone is admitted, and so the service goes on."""

    async def asked() -> str | None:
        try:
            return await ping()
        except UnavailableError:
            return "degraded"

    return asked


def quota_of(chosen: Fixed | Sliding | Bucket) -> Quota:
    """Give what the settings allow a client."""
    return Quota(chosen.limit, chosen.window_s * SECOND_US)


def wall_us() -> int:
    """Give the time of this machine: what X-RateLimit-Reset speaks of."""
    return time.time_ns() // 1000
