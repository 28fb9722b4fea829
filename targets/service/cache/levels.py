"""What each kind of cache is made of; the machinery of a level is imported where it is used only."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from targets.service.cache.entry import Clock
from targets.service.cache.flights import Once, everyone_loads
from targets.service.cache.level import Administered, Cache, Level
from targets.service.cache.metrics import LevelMetrics, Metrics
from targets.service.cache.patience import Patience
from targets.service.cache.tiers import Tiers
from targets.service.practices.cache import L1, L2, Both
from targets.service.repositories.products import Product

NEVER_BACKWARDS = {"write_through", "aside_versioned"}
"""Strategies whose sets are compared by version: two writers may reach the cache in another order than the database."""


@dataclass(frozen=True, slots=True)
class Levels:
    """A cache with what belongs to it; ``clock`` is the one that its entries expire by."""

    cache: Cache[Product]
    named: Mapping[str, Administered]
    clock: Clock
    lock: Once[Product]
    """Decides among processes who loads."""
    ping: Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a cache is given besides its setting; without a clock it takes the one that fits its kind."""

    url: str
    clock: Clock | None
    patience: Patience


Opener = Callable[[Any, Surroundings, AsyncExitStack, Metrics], Levels]
"""setting, surroundings, what closes it, metrics."""


def _l1(chosen: L1, given: Surroundings, _: AsyncExitStack, metrics: Metrics) -> Levels:
    clock = given.clock or time.monotonic
    near = _near(chosen, chosen.ttl_s * (1 + chosen.jitter), clock, metrics)
    return Levels(near, {"l1": near}, clock, everyone_loads, _well)


def _l2(chosen: L2 | Both, given: Surroundings, stack: AsyncExitStack, metrics: Metrics) -> Levels:
    from targets.service.cache.breaker import Breaker  # noqa: PLC0415  (L1 alone needs no redis-py)
    from targets.service.cache.client import connected  # noqa: PLC0415
    from targets.service.cache.codec import Codec  # noqa: PLC0415
    from targets.service.cache.keys import prefix_of  # noqa: PLC0415
    from targets.service.cache.link import Link  # noqa: PLC0415
    from targets.service.cache.remote_lock import RemoteLock  # noqa: PLC0415
    from targets.service.cache.shared import Shared  # noqa: PLC0415
    from targets.service.cache.writing import AsItComes, NeverBackwards, Writing  # noqa: PLC0415

    # Entries are shared: all processes must mean the same moment.
    clock = given.clock or time.time
    client = connected(given.url)
    stack.push_async_callback(client.aclose)
    counts = metrics.levels["l2"] = LevelMetrics()
    link = Link(client, Breaker(time.monotonic, given.patience.pause_s), counts)
    writing: Writing = NeverBackwards(client) if chosen.strategy in NEVER_BACKWARDS else AsItComes()
    prefix = prefix_of(chosen.version, chosen.namespace)
    far: Shared[Product] = Shared(link, Codec(Product), writing, prefix, clock, counts)
    return Levels(far, {"l2": far}, clock, RemoteLock(link, far.peek_record, metrics, given.patience.lock_s), far.ping)


def _both(chosen: Both, given: Surroundings, stack: AsyncExitStack, metrics: Metrics) -> Levels:
    near = _near(chosen, chosen.l1_ttl_s, given.clock or time.time, metrics)
    far = _l2(chosen, given, stack, metrics)
    return Levels(Tiers(near, far.cache), {"l1": near, **far.named}, far.clock, far.lock, far.ping)


def _near(chosen: L1 | Both, ttl_max_s: float, clock: Clock, metrics: Metrics) -> Level[Product]:
    from targets.service.cache.memory import Memory  # noqa: PLC0415  (L2 alone needs no cachetools)
    from targets.service.cache.versioned_memory import VersionedMemory  # noqa: PLC0415

    counts = metrics.levels["l1"] = LevelMetrics()
    memory: Memory[Product] = Memory(chosen.l1_size, ttl_max_s, clock, counts)
    return VersionedMemory(memory, clock, counts) if chosen.strategy in NEVER_BACKWARDS else memory


async def _well() -> str:
    return "ok"


OPENERS: Mapping[type[Any], Opener] = {L1: _l1, L2: _l2, Both: _both}
"""Which setting means which cache."""
