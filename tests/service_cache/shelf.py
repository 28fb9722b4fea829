"""What the cache's tests share: products that count and can be held up, a clock that is set."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
import uuid
from datetime import UTC, datetime
from decimal import Decimal

from targets.service.cache import opening
from targets.service.practices.cache import L1, L2, Both
from targets.service.repositories.records import Product

KINDS = {"l1": L1, "l2": L2, "both": Both}


def product(number=1, version=1, price="9.50"):
    """Give a product."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Product(
        number, f"SKU-{number}", "Desk ü", "office", Decimal(price), "EUR", 3, updated_at=moment, version=version
    )


class Shelf:
    """What stands behind the cache: counts its reads, and holds them up when told to."""

    def __init__(self, *products):
        """Start with these."""
        self.rows = {each.id: each for each in products}
        self.reads = 0
        self.read = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()

    async def get(self, product_id):
        """Read the row, then give it when told to: what a slow network does."""
        self.reads += 1
        row = self.rows.get(product_id)
        self.read.set()
        # Even a free read gives others their turn, as a database does.
        await asyncio.sleep(0)
        await self.go.wait()
        return row

    async def change(self, product_id, changes):
        """Change the row at once."""
        row = self.rows.get(product_id)
        if row is None:
            return None
        self.rows[product_id] = dataclasses.replace(row, **changes, version=row.version + 1)
        return self.rows[product_id]


class Hand:
    """A clock that stands until it is set."""

    def __init__(self, now_s=1000.0):
        """Start somewhere."""
        self.now_s = now_s

    def __call__(self):
        """Tell the time."""
        return self.now_s


@contextlib.asynccontextmanager
async def cached(kind, shelf, url="", *, clock=None, seed=1, patience=None, **settings):
    """Give the cached shelf and the parts of its cache, in a namespace that no other test uses."""
    chosen = KINDS[kind](**{"namespace": f"test-{uuid.uuid4().hex}", **settings})
    async with opening.opened(chosen, url, clock, random.Random(seed), patience) as parts:
        yield parts.wrap(shelf), parts


def counts(parts, level):
    """Give what a level counted."""
    return parts.report()["levels"][level]
