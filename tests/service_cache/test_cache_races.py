"""Races between a slow reader and a writer, made to happen: what is stale, and for how long."""

from __future__ import annotations

import asyncio
import contextlib
import uuid

import pytest
import redis.asyncio

from tests.service_cache.shelf import Hand, Shelf, cached, counts, product

ALL = ("l1", "l2", "both")


async def race(products, shelf):
    """Let a reader load the old row, a writer change it and its key, and the reader then set what it has."""
    shelf.go.clear()
    reader = asyncio.create_task(products.get(1))
    await shelf.read.wait()
    await products.change(1, {"stock": 99})
    shelf.go.set()
    await reader
    return (await products.get(1)).stock


@pytest.mark.parametrize("kind", ALL)
def test_aside_leaves_a_stale_value_until_its_ttl(kind, valkey):
    """Without this a user would believe that deleting a key after a write is always enough."""

    async def run():
        shelf, clock = Shelf(product()), Hand()
        async with cached(kind, shelf, valkey.url, clock=clock, ttl_s=0.5) as (products, _):
            stale = await race(products, shelf)
            clock.now_s += 0.5
            await asyncio.sleep(0.7 if kind != "l1" else 0)
            return stale, (await products.get(1)).stock

    assert asyncio.run(run()) == (3, 99)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("stampede", ["none", "lock"])
@pytest.mark.parametrize("strategy", ["aside_versioned", "write_through"])
def test_comparing_versions_leaves_none(kind, stampede, strategy, valkey):
    """Without this the strategy that promises no stale value after a race would have one."""

    async def run():
        shelf = Shelf(product())
        async with cached(kind, shelf, valkey.url, strategy=strategy, stampede=stampede) as (products, parts):
            first = await race(products, shelf)
            again = (await products.get(1)).stock
            return first, again, sum(level["refused"] for level in parts.report()["levels"].values())

    assert asyncio.run(run()) == (99, 99, 1)


def test_comparing_versions_holds_between_processes(valkey):
    """Without this the race would only be closed where reader and writer share a process."""

    async def run():
        shelf, settings = Shelf(product()), {"strategy": "aside_versioned", "namespace": f"race-{uuid.uuid4().hex}"}
        async with contextlib.AsyncExitStack() as stack:
            (reader, parts), (writer, _) = [
                await stack.enter_async_context(cached("both", shelf, valkey.url, **settings)) for _ in range(2)
            ]
            shelf.go.clear()
            reading = asyncio.create_task(reader.get(1))
            await shelf.read.wait()
            await writer.change(1, {"stock": 99})
            shelf.go.set()
            await reading
            return (await reader.get(1)).stock, (await writer.get(1)).stock, counts(parts, "l1")["sets"]

    assert asyncio.run(run()) == (99, 99, 1)


def test_the_mark_of_an_invalidation_is_short_and_gives_way(valkey):
    """Without this a key that was written would never be cached again."""

    async def run():
        shelf = Shelf(product())
        async with cached("l2", shelf, valkey.url, strategy="aside_versioned") as (products, parts):
            await products.change(1, {"stock": 99})
            async with redis.asyncio.from_url(valkey.url) as client:
                left_ms = await client.pttl(parts.key_of(1))
            await products.get(1)
            await products.get(1)
            return left_ms, shelf.reads, counts(parts, "l2")

    left_ms, reads, seen = asyncio.run(run())
    assert 0 < left_ms <= 10_000
    assert (reads, seen["hits"], seen["undecodable"]) == (1, 1, 0)


@pytest.mark.parametrize("kind", ALL)
def test_write_through_gives_the_written_value_without_a_load(kind, valkey):
    """Without this a write would cost the next reader a load, or leave the old value."""

    async def run():
        shelf = Shelf(product())
        async with cached(kind, shelf, valkey.url, strategy="write_through") as (products, _):
            await products.get(1)
            changed = await products.change(1, {"stock": 99})
            return changed, await products.get(1), shelf.reads, await products.change(2, {"stock": 1})

    changed, read, reads, missing = asyncio.run(run())
    assert changed == read
    assert (read.stock, read.version, reads, missing) == (99, 2, 1, None)


@pytest.mark.parametrize("kind", ALL)
def test_aside_forgets_what_was_written(kind, valkey):
    """Without this readers would see the old value for a whole TTL after every write."""

    async def run():
        shelf = Shelf(product())
        async with cached(kind, shelf, valkey.url) as (products, parts):
            await products.get(1)
            await products.change(1, {"stock": 99})
            return (await products.get(1)).stock, shelf.reads, counts(parts, kind if kind != "both" else "l2")

    stock, reads, seen = asyncio.run(run())
    assert (stock, reads, seen["invalidations"]) == (99, 2, 1)


def test_two_writers_that_reach_the_cache_in_the_wrong_order_do_no_harm(valkey):
    """Without this write-through would keep the older of two writes until the TTL."""

    async def run():
        shelf = Shelf(product())
        async with cached("l2", shelf, valkey.url, strategy="write_through") as (products, parts):
            late = asyncio.Event()
            change = shelf.change

            async def slow(product_id, changes):
                row = await change(product_id, changes)
                await late.wait()
                return row

            shelf.change = slow
            first = asyncio.create_task(products.change(1, {"stock": 10}))
            await asyncio.sleep(0)
            shelf.change = change
            await products.change(1, {"stock": 20})
            late.set()
            await first
            return (await products.get(1)).stock, counts(parts, "l2")["refused"]

    assert asyncio.run(run()) == (20, 1)
