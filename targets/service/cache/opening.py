"""Puts a cache together as the settings say, and takes it apart at the end."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from targets.service.cache import strategies
from targets.service.cache.early import Early, never
from targets.service.cache.entry import Clock, Entry, drawn_ttl_s, stamped
from targets.service.cache.flights import Flights, everyone_loads
from targets.service.cache.keys import key_of
from targets.service.cache.levels import OPENERS, Levels, Surroundings
from targets.service.cache.metrics import Metrics
from targets.service.cache.parts import Parts
from targets.service.cache.patience import Patience
from targets.service.cache.strategies import AfterWrite, Forgetting
from targets.service.cache.url import VARIABLE
from targets.service.practices.cache import L1, L2, Both
from targets.service.repositories.cached_products import CachedProducts, CacheFirst, Policy, SlowProducts
from targets.service.repositories.products import Product, Products

AFTER_WRITE: dict[str, AfterWrite[Product]] = {
    "aside": strategies.invalidate,
    "aside_versioned": strategies.invalidate,
    "write_through": strategies.write_through,
    "cache_first": strategies.nothing_more,
}


@asynccontextmanager
async def opened(
    chosen: L1 | L2 | Both,
    url: str | None = None,
    clock: Clock | None = None,
    draw: random.Random | None = None,
    patience: Patience | None = None,
) -> AsyncIterator[Parts]:
    """Give the cache until the block ends; ``url`` None means REDIS_URL.  Nothing is connected before it is used."""
    where = os.environ.get(VARIABLE, "") if url is None else url
    given = Surroundings(where, clock, patience or Patience())
    async with AsyncExitStack() as stack:
        metrics = Metrics()
        levels = OPENERS[type(chosen)](chosen, given, stack, metrics)
        yield _parts(chosen, levels, metrics, draw or random.Random())


def _parts(chosen: L1 | L2 | Both, levels: Levels, metrics: Metrics, draw: random.Random) -> Parts:
    policy = _policy(chosen, levels, metrics, draw)

    def wrap(products: Products) -> Products:
        slow = SlowProducts(products, chosen.compute_ms / 1000) if chosen.compute_ms else products
        cached = CachedProducts(slow, levels.cache, policy, metrics)
        return CacheFirst(cached, slow, levels.cache, policy) if chosen.strategy == "cache_first" else cached

    return Parts(chosen.kind, wrap, policy.key_of, levels.named, metrics, levels.ping)


def _policy(chosen: L1 | L2 | Both, levels: Levels, metrics: Metrics, draw: random.Random) -> Policy:
    def stamp(product: Product, load_s: float) -> Entry[Product]:
        ttl_s = drawn_ttl_s(chosen.ttl_s, chosen.jitter, draw)
        return stamped(product, product.version, load_s, ttl_s, levels.clock)

    name, after_write = partial(key_of, chosen.version, chosen.namespace), AFTER_WRITE[chosen.strategy]
    if chosen.stampede == "lock":
        flights = Flights(levels.lock, metrics)
        return Policy(name, stamp, flights, never, Forgetting(flights, after_write))
    due = Early(levels.clock, draw) if chosen.stampede == "early" else never
    return Policy(name, stamp, everyone_loads, due, after_write)
