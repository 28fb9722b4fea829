"""Levels of the cache: what is kept, under which key, for how long, and what is counted."""

from __future__ import annotations

import asyncio
import random

import msgspec
import pytest
import redis.asyncio
from hypothesis import given
from hypothesis import strategies as st

from targets.service.cache.codec import Codec, digits
from targets.service.cache.entry import Entry, drawn_ttl_s
from targets.service.cache.keys import key_of, query_key
from targets.service.cache.metrics import Latency
from targets.service.repositories.records import Product
from tests.service_cache.shelf import Hand, Shelf, cached, counts, product

ALL = ("l1", "l2", "both")


@pytest.mark.parametrize("kind", ALL)
def test_the_second_read_is_a_hit(kind, valkey):
    """Without this a cache would be a longer way to the database."""

    async def run():
        shelf = Shelf(product())
        async with cached(kind, shelf, valkey.url) as (products, parts):
            answers = [await products.get(1), await products.get(1)]
            return answers, shelf.reads, parts.report()

    answers, reads, report = asyncio.run(run())
    assert answers == [product(), product()]
    assert (reads, report["loads"], report["kind"]) == (1, 1, kind)
    first = next(iter(report["levels"].values()))
    assert (first["hits"], first["misses"], first["sets"], first["errors"]) == (1, 1, 1, 0)
    assert first["get"]["count"] == 2
    assert 0 < first["get"]["p50_us"] <= first["get"]["p99_us"]
    assert set(report["levels"]) == ({"l1", "l2"} if kind == "both" else {kind})


@pytest.mark.parametrize("kind", ALL)
def test_what_does_not_exist_is_asked_for_each_time(kind, valkey):
    """Without this a product that was just made would be missing for a whole TTL."""

    async def run():
        shelf = Shelf()
        async with cached(kind, shelf, valkey.url) as (products, _):
            return await products.get(1), await products.get(1), shelf.reads

    assert asyncio.run(run()) == (None, None, 2)


def test_an_entry_of_l1_lives_as_long_as_its_ttl():
    """Without this stale answers would have no bound."""

    async def run():
        shelf, clock, seen = Shelf(product()), Hand(), []
        async with cached("l1", shelf, clock=clock, ttl_s=10) as (products, _):
            for clock.now_s in (0.0, 9.99, 10.0, 19.9, 20.0):
                await products.get(1)
                seen.append(shelf.reads)
        return seen

    assert asyncio.run(run()) == [1, 1, 2, 2, 3]


def test_an_entry_of_l2_expires_by_valkeys_own_clock(valkey):
    """Without this entries would fill the server for ever."""

    async def run():
        shelf = Shelf(product())
        async with cached("l2", shelf, valkey.url, ttl_s=0.05) as (products, _):
            await products.get(1)
            await products.get(1)
            before = shelf.reads
            await asyncio.sleep(0.1)
            await products.get(1)
            return before, shelf.reads

    assert asyncio.run(run()) == (1, 2)


def test_l1_in_front_of_l2_forgets_sooner(valkey):
    """Without this a process could give what another one changed a minute ago."""

    async def run():
        shelf, clock = Shelf(product()), Hand()
        settings = {"clock": clock, "ttl_s": 60, "l1_ttl_s": 1, "namespace": f"pair-{id(shelf)}"}
        async with cached("both", shelf, valkey.url, **settings) as (mine, parts):
            async with cached("both", shelf, valkey.url, **settings) as (other, _):
                await mine.get(1)
                await other.change(1, {"stock": 7})
                stale = (await mine.get(1)).stock
                clock.now_s += 1
                fresh = (await mine.get(1)).stock
            return stale, fresh, counts(parts, "l1")["hits"]

    assert asyncio.run(run()) == (3, 7, 1)


@given(ttl_s=st.floats(0.001, 1e5), jitter=st.floats(0, 0.99), seed=st.integers(0, 2**32))
def test_jitter_stays_within_its_width(ttl_s, jitter, seed):
    """Without this an entry could outlive what the settings promise."""
    drawn = drawn_ttl_s(ttl_s, jitter, random.Random(seed))
    assert ttl_s * (1 - jitter) * 0.999999 <= drawn <= ttl_s * (1 + jitter) * 1.000001


def test_jitter_reaches_valkey(valkey):
    """Without this the keys of a warm-up would expire in one moment although jitter is on."""

    async def run():
        shelf = Shelf(*(product(number) for number in range(1, 201)))
        async with cached("l2", shelf, valkey.url, ttl_s=100, jitter=0.5) as (products, parts):
            for number in shelf.rows:
                await products.get(number)
            async with redis.asyncio.from_url(valkey.url) as client:
                return [await client.pttl(parts.key_of(number)) / 1000 for number in shelf.rows]

    left_s = asyncio.run(run())
    assert 40 < min(left_s) < 60
    assert 140 < max(left_s) <= 150


def test_keys_carry_version_and_namespace(valkey):
    """Without this a new release would read the old one's entries, and a neighbour's."""

    async def run():
        async with cached("l2", Shelf(product(123)), valkey.url, namespace="shop", version="v7") as (products, _):
            await products.get(123)
        async with redis.asyncio.from_url(valkey.url) as client:
            return await client.keys("v7:*")

    assert asyncio.run(run()) == [b"v7:shop:123"]
    assert key_of("v1", "products", 123) == "v1:products:123"


def test_a_query_has_one_key_whatever_the_order_of_its_parameters():
    """Without this the same query would be computed twice, or two queries share an answer."""
    key = query_key("v1", "products", {"limit": 5, "sort": "name"})
    assert key == query_key("v1", "products", {"sort": "name", "limit": 5})
    assert key != query_key("v1", "products", {"sort": "name", "limit": "5"})
    assert key.startswith("v1:products:query:")
    assert len(key.rpartition(":")[2]) == 64


@pytest.mark.parametrize(
    "foreign",
    [
        b"",
        b"hello",
        b"\x00" * 40,
        digits(1) + b"{}",
        digits(1) + msgspec.msgpack.encode(({"id": 1}, 0.0, 0.0)),
        b"9" * 19 + b"x" + b"rest",
    ],
)
def test_a_foreign_value_is_a_miss(foreign, valkey):
    """Without this another program's key, or another version's, would be a 500."""

    async def run():
        shelf = Shelf(product())
        async with cached("l2", shelf, valkey.url) as (products, parts):
            async with redis.asyncio.from_url(valkey.url) as client:
                await client.set(parts.key_of(1), foreign)
            first, second = await products.get(1), await products.get(1)
            return first, second, shelf.reads, counts(parts, "l2")

    first, second, reads, seen = asyncio.run(run())
    assert first == second == product()
    assert (reads, seen["undecodable"], seen["hits"]) == (1, 1, 1)


@pytest.mark.parametrize("strategy", ["aside", "aside_versioned"])
def test_a_key_of_another_type_is_a_miss_and_does_no_harm(strategy, valkey):
    """Without this one foreign list would switch the cache off, or fail each request."""

    async def run():
        shelf = Shelf(product(1), product(2))
        async with cached("l2", shelf, valkey.url, strategy=strategy) as (products, parts):
            async with redis.asyncio.from_url(valkey.url) as client:
                await client.rpush(parts.key_of(1), "foreign")
            one = await products.get(1)
            await products.get(2)
            await products.get(2)
            return one, counts(parts, "l2")

    one, seen = asyncio.run(run())
    assert one == product()
    assert seen["errors"] >= 1
    assert (seen["hits"], seen["skipped"]) == (1, 0)


@given(number=st.integers(-(2**63), 2**63 - 1), version=st.integers(0, 2**63 - 1), load_s=st.floats(0, 1e6))
def test_an_entry_comes_back_as_it_went(number, version, load_s):
    """Without this a cached answer could differ from the database's."""
    codec = Codec(Product)
    entry = Entry(product(number, version, "0.10"), version, load_s, 1e9)
    assert codec.read(digits(version) + codec.payload(entry)) == entry


@pytest.mark.parametrize("kind", ALL)
def test_one_key_expires_on_demand_and_all_can_be_cleared(kind, valkey):
    """Without this the instrument could not inject an expiry, or begin with an empty cache."""

    async def run():
        shelf, seen = Shelf(product(1), product(2)), []
        async with cached(kind, shelf, valkey.url) as (products, parts), redis.asyncio.from_url(valkey.url) as client:
            await client.set("foreign", "stays")
            for act in (None, lambda: parts.expire(1), parts.clear):
                if act is not None:
                    assert all((await act()).values())
                await products.get(1)
                await products.get(2)
                seen.append(shelf.reads)
            return seen, await client.get("foreign")

    assert asyncio.run(run()) == ([2, 3, 5], b"stays")


@given(times_ns=st.lists(st.integers(1, 10**10), min_size=1, max_size=200), share=st.floats(0.01, 1))
def test_a_quantile_of_the_histogram_is_right_within_its_bucket(times_ns, share):
    """Without this the cache's own p99 would be a guess."""
    latency = Latency()
    for elapsed_ns in times_ns:
        latency.add(elapsed_ns)
    exact_ns = sorted(times_ns)[max(0, -int(-share * len(times_ns) // 1) - 1)]
    assert latency.sum_ns == sum(times_ns)
    assert latency.quantile_us(share) * 1e3 == pytest.approx(exact_ns, rel=0.1)
