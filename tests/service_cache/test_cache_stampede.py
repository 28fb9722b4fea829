"""Stampedes: how often one expired key is computed when many ask for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import uuid

import pytest
import redis.asyncio

from targets.service.cache.early import Early
from targets.service.cache.entry import Entry
from targets.service.cache.patience import Patience
from tests.service_cache.shelf import Hand, Shelf, cached, counts, product

MANY = 50


async def rush(shelf, *clients, many=MANY):
    """Let many ask at once while the load is held up; give their answers."""
    shelf.go.clear()
    asked = [asyncio.create_task(clients[number % len(clients)].get(1)) for number in range(many)]
    await asyncio.wait_for(shelf.read.wait(), 5)
    # Every one of them gets as far as it can.
    await asyncio.sleep(0.1)
    shelf.go.set()
    return await asyncio.wait_for(asyncio.gather(*asked), 10)


@pytest.mark.parametrize("kind", ["l1", "l2", "both"])
@pytest.mark.parametrize(("stampede", "loads"), [("none", MANY), ("early", MANY), ("lock", 1)])
def test_a_lock_lets_one_compute_and_nothing_else_does(kind, stampede, loads, valkey):
    """Without this a claim about stampedes would compare two services that do the same."""

    async def run():
        shelf = Shelf(product())
        async with cached(kind, shelf, valkey.url, stampede=stampede) as (products, parts):
            await products.get(1)
            await parts.expire(1)
            before = shelf.reads
            shelf.read.clear()
            answers = await rush(shelf, products)
            return answers, shelf.reads - before, parts.report()

    answers, reads, report = asyncio.run(run())
    assert answers == [product()] * MANY
    assert reads == loads
    assert report["loads"] == loads + 1
    assert report["joined"] == MANY - loads


TRIES = 5
"""Where other tests keep Valkey from answering for 0.15 s, the cache is given up and nothing is said of its lock."""


def test_the_lock_holds_between_processes(valkey):
    """Without this each of many workers would compute an expired key."""

    async def run():
        shelf, namespace = Shelf(product()), f"pools-{uuid.uuid4().hex}"
        async with contextlib.AsyncExitStack() as stack:
            opened = [
                await stack.enter_async_context(
                    cached("l2", shelf, valkey.url, stampede="lock", namespace=namespace, seed=seed)
                )
                for seed in range(2)
            ]
            answers = await rush(shelf, *(products for products, _ in opened))
            async with redis.asyncio.from_url(valkey.url) as client:
                held = await client.exists(opened[0][1].key_of(1) + ":lock")
            return answers, shelf.reads, held, [parts.report() for _, parts in opened]

    for _ in range(TRIES):
        answers, reads, held, reports = asyncio.run(run())
        if not any(report["levels"]["l2"]["errors"] for report in reports):
            break
    assert answers == [product()] * MANY
    assert (reads, held) == (1, 0), json.dumps(reports)
    assert sorted(report["lock_waits"] for report in reports) == [0, 1]


def test_losers_do_not_wait_for_ever(valkey):
    """Without this a process that died while it computed would take a key with it."""

    async def run():
        shelf, settings = Shelf(product()), {"stampede": "lock", "patience": Patience(lock_s=0.1)}
        async with (
            cached("l2", shelf, valkey.url, **settings) as (products, parts),
            redis.asyncio.from_url(valkey.url) as client,
        ):
            await client.set(parts.key_of(1) + ":lock", "of the dead", px=60_000)
            answer = await asyncio.wait_for(products.get(1), 5)
            return answer, parts.report()["lock_timeouts"], await client.get(parts.key_of(1) + ":lock")

    assert asyncio.run(run()) == (product(), 1, b"of the dead")


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_a_failed_load_fails_all_who_joined_and_nobody_after(kind, valkey):
    """Without this one error of the database would be remembered, or leave the key locked."""

    async def run():
        shelf = Shelf(product())
        async with cached(kind, shelf, valkey.url, stampede="lock") as (products, _):
            rows, shelf.rows = shelf.rows, None
            failed = await asyncio.gather(*(products.get(1) for _ in range(3)), return_exceptions=True)
            shelf.rows = rows
            return [type(error) for error in failed], await asyncio.wait_for(products.get(1), 2)

    assert asyncio.run(run()) == ([AttributeError] * 3, product())


def test_a_load_outlives_the_one_who_began_it():
    """Without this a client that hangs up would fail all who wait for the same key."""

    async def run():
        shelf = Shelf(product())
        shelf.go.clear()
        async with cached("l1", shelf, stampede="lock") as (products, _):
            first, second = (asyncio.create_task(products.get(1)) for _ in range(2))
            await shelf.read.wait()
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.sleep(0)
            shelf.go.set()
            return await second, shelf.reads, first.cancelled()

    assert asyncio.run(run()) == (product(), 1, True)


@pytest.mark.parametrize("left_s", [0.01, 0.1, 0.2, 0.5])
def test_early_expiry_renews_as_often_as_the_paper_says(left_s):
    """Without this 'early' would be a stampede of its own, or no protection."""
    load_s, trials, clock = 0.1, 20_000, Hand(0.0)
    due = Early(clock, random.Random(11))
    renewed = sum(due(Entry(product(), 1, load_s, left_s)) for _ in range(trials))
    foretold = math.exp(-left_s / load_s)
    # Five standard deviations of a binomial share.
    assert renewed / trials == pytest.approx(foretold, abs=5 * math.sqrt(foretold * (1 - foretold) / trials))


@pytest.mark.parametrize("kind", ["l1", "both"])
def test_a_key_in_use_is_renewed_before_it_expires(kind, valkey):
    """Without this a hot key would expire under its readers although 'early' is on."""

    async def run():
        shelf, clock, ages = Shelf(product()), Hand(0.0), []
        settings = {"clock": clock, "ttl_s": 60, "stampede": "early", "compute_ms": 20, "seed": 5}
        more = {"l1_ttl_s": 3600} if kind == "both" else {}
        async with cached(kind, shelf, valkey.url, **settings, **more) as (products, parts):
            await products.get(1)
            while len(ages) < 5:
                born_s, before = clock.now_s, shelf.reads
                while shelf.reads == before:
                    # Steps of a tenth of a load: one of the draws before the expiry comes out.
                    clock.now_s += 0.002 if clock.now_s - born_s > 58.5 else 1.0
                    await products.get(1)
                ages.append(clock.now_s - born_s)
            return ages, parts.report()["early"], counts(parts, "l1")["misses"]

    ages, early, misses = asyncio.run(run())
    assert (early, misses) == (5, 1)
    assert all(30 < age <= 60 for age in ages)


def test_a_renewal_that_fails_gives_what_is_still_valid():
    """Without this 'early' would turn a database's short failure into errors that the cache had covered."""

    async def run():
        shelf, clock = Shelf(product()), Hand(0.0)
        async with cached("l1", shelf, clock=clock, ttl_s=60, stampede="early", compute_ms=5) as (products, parts):
            await products.get(1)
            clock.now_s, shelf.rows = 60 - 1e-9, None
            return await products.get(1), parts.report()["early"]

    assert asyncio.run(run()) == (product(), 1)
