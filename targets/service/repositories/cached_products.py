"""Products behind a cache: whoever keeps them, and whatever the cache is made of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from targets.service.cache.entry import Entry
from targets.service.cache.flights import Once
from targets.service.cache.level import Cache
from targets.service.cache.metrics import Metrics
from targets.service.cache.strategies import AfterWrite
from targets.service.repositories.products import Product, Products, set_by


@dataclass(frozen=True, slots=True)
class Policy:
    """How the cache is used."""

    key_of: Callable[[int], str]
    stamp: Callable[[Product, float], Entry[Product]]
    """Makes the entry of a product and of the seconds that its load took."""
    once: Once[Product]
    due: Callable[[Entry[Product]], bool]
    """Whether a hit should be renewed before it expires."""
    after_write: AfterWrite[Product]


class CachedProducts:
    """Reads go to the cache first; a product that does not exist is not cached, it is asked for each time."""

    def __init__(self, products: Products, cache: Cache[Product], policy: Policy, metrics: Metrics) -> None:
        """Wrap the products."""
        self._products = products
        self._cache = cache
        self._policy = policy
        self._metrics = metrics

    async def get(self, product_id: int) -> Product | None:
        """Give the product from the cache, else from the database, which the cache then learns."""
        key = self._policy.key_of(product_id)
        entry = await self._cache.get(key)
        if entry is not None:
            if not self._policy.due(entry):
                return entry.record
            return await self._renew(product_id, key, entry)
        return await self._policy.once(key, lambda: self._load(product_id, key))

    async def change(self, product_id: int, changes: Mapping[str, Any]) -> Product | None:
        """Change the product in the database, which commits; then bring the cache in line."""
        start_ns = time.perf_counter_ns()
        product = await self._products.change(product_id, changes)
        written = None if product is None else self._policy.stamp(product, _since_s(start_ns))
        await self._policy.after_write(self._cache, self._policy.key_of(product_id), written)
        return product

    async def _renew(self, product_id: int, key: str, entry: Entry[Product]) -> Product | None:
        self._metrics.early += 1
        try:
            return await self._load(product_id, key)
        except Exception:  # noqa: BLE001  (renewing was not asked for: what is still valid must not become an error)
            return entry.record

    async def _load(self, product_id: int, key: str) -> Product | None:
        start_ns = time.perf_counter_ns()
        self._metrics.loads += 1
        product = await self._products.get(product_id)
        if product is not None:
            await self._cache.set(key, self._policy.stamp(product, _since_s(start_ns)))
        return product


class CacheFirst:
    """The broken order, for comparison: the cache is told what the database is about to be told."""

    def __init__(self, cached: CachedProducts, products: Products, cache: Cache[Product], policy: Policy) -> None:
        """Stand before the cached products; ``products`` are those without a cache."""
        self._cached, self._products, self._cache, self._policy = cached, products, cache, policy

    async def get(self, product_id: int) -> Product | None:
        """Give the product from the cache, else from the database."""
        return await self._cached.get(product_id)

    async def change(self, product_id: int, changes: Mapping[str, Any]) -> Product | None:
        """Put what the change should come to into the cache, then change the product in the database."""
        product = await self._products.get(product_id)
        if product is not None:
            promised = replace(product, **set_by(changes, product.stock), version=product.version + 1)
            await self._cache.set(self._policy.key_of(product_id), self._policy.stamp(promised, 0.0))
        return await self._cached.change(product_id, changes)


class SlowProducts:
    """Products whose load takes longer than it must: for experiments with stampedes."""

    def __init__(self, products: Products, compute_s: float) -> None:
        """Wrap the products."""
        self._products = products
        self._compute_s = compute_s

    async def get(self, product_id: int) -> Product | None:
        """Read, then wait."""
        product = await self._products.get(product_id)
        await asyncio.sleep(self._compute_s)
        return product

    async def change(self, product_id: int, changes: Mapping[str, Any]) -> Product | None:
        """Change the product."""
        return await self._products.change(product_id, changes)


def _since_s(start_ns: int) -> float:
    return (time.perf_counter_ns() - start_ns) / 1e9
