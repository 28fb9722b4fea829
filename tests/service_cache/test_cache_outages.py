"""The service works without its cache: dead, hung, and back again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time

import pytest

from harness import processes
from harness.backends import valkey as valkey_server
from targets.service.cache.breaker import Breaker
from targets.service.cache.limit import within
from targets.service.cache.patience import Patience
from tests.service_cache.shelf import Hand, Shelf, cached, counts, product
from tests.support.serving import free_port

ANSWER_S = 0.3
"""What a request may wait for a cache that does not answer."""


SHORT = Patience(pause_s=0.05)


@contextlib.contextmanager
def dead():
    """Give a URL where nobody listens."""
    yield f"redis://127.0.0.1:{free_port()}/0"


@contextlib.contextmanager
def silent():
    """Give the URL of a listener that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@contextlib.contextmanager
def own_server():
    """Start a Valkey that may be stopped and killed."""
    with processes.supervised() as session, valkey_server.embedded(session, None) as server:
        yield server


@contextlib.contextmanager
def stopped(server):
    """Hold the server's process."""
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


@pytest.mark.parametrize("outage", [dead, silent])
@pytest.mark.parametrize("kind", ["l2", "both"])
@pytest.mark.parametrize("stampede", ["none", "lock"])
@pytest.mark.parametrize("strategy", ["aside", "write_through", "aside_versioned"])
def test_answers_come_from_the_database(outage, kind, stampede, strategy):
    """Without this the cache's failure would be the service's."""

    async def run(url):
        shelf = Shelf(product())
        async with cached(kind, shelf, url, stampede=stampede, strategy=strategy) as (products, parts):
            start_s = time.monotonic()
            first = await products.get(1)
            took_s = time.monotonic() - start_s
            seen = counts(parts, "l2")
            await parts.expire(1)
            second, changed = await products.get(1), await products.change(1, {"stock": 99})
            return took_s, first, second, changed, await products.get(1), seen, counts(parts, "l2")

    with outage() as url:
        tries = [asyncio.run(run(url)) for _ in range(3)]
    _, first, second, changed, last, seen, after = tries[0]
    assert first == second == product()
    assert changed == last
    assert last.stock == 99
    # One command failed; all others were not even sent.
    assert (seen["errors"], after["errors"], after["hits"]) == (1, 1, 0)
    assert after["skipped"] > seen["skipped"] >= 1
    # The best of three: a neighbour on the machine is not what is tested.
    assert min(each[0] for each in tries) < ANSWER_S


def test_fifty_at_once_pay_the_time_out_together():
    """Without this requests would queue for a hung cache, one time-out after the other."""

    async def run(url):
        shelf = Shelf(*(product(number) for number in range(1, 201)))
        async with cached("l2", shelf, url) as (products, _):
            start_s = time.monotonic()
            await asyncio.gather(*(products.get(number) for number in shelf.rows))
            return time.monotonic() - start_s

    with silent() as url:
        assert min(asyncio.run(run(url)) for _ in range(3)) < 2 * ANSWER_S


def test_a_server_that_hangs_and_comes_back_is_used_again():
    """Without this a hiccup of the cache would cost until the next restart."""

    async def run(server):
        shelf = Shelf(product())
        async with cached("l2", shelf, server.url, patience=SHORT) as (products, parts):
            await products.get(1)
            await products.get(1)
            with stopped(server):
                start_s = time.monotonic()
                during = await products.get(1)
                took_s = time.monotonic() - start_s
                hung = await parts.ping()
            await asyncio.sleep(0.1)
            hits = counts(parts, "l2")["hits"]
            after = [await products.get(1) for _ in range(2)]
            return during, took_s, hung, after, counts(parts, "l2")["hits"] - hits, await parts.ping()

    with own_server() as server:
        during, took_s, hung, after, hits, well = asyncio.run(run(server))
    assert during == product()
    assert took_s < 1
    assert after == [product()] * 2
    assert hits >= 1
    assert (hung, well) == ("degraded", "ok")


@pytest.mark.parametrize("strategy", ["aside", "write_through", "aside_versioned"])
def test_a_write_during_an_outage_is_not_forgotten(strategy):
    """Without this a value from before the outage would be given after it, for a whole TTL."""

    async def run(server):
        shelf = Shelf(product())
        async with cached("l2", shelf, server.url, strategy=strategy, patience=SHORT) as (products, parts):
            await products.get(1)
            with stopped(server):
                await products.change(1, {"stock": 99})
                during = (await products.get(1)).stock
            await asyncio.sleep(0.1)
            after = [(await products.get(1)).stock for _ in range(3)]
            return during, after, counts(parts, "l2")

    with own_server() as server:
        during, after, seen = asyncio.run(run(server))
    assert (during, after) == (99, [99] * 3)
    assert (seen["owed"], seen["lost"]) == (1, 0)
    assert seen["hits"] >= 1


def test_an_answer_that_came_while_the_loop_stood_still_counts():
    """Without this a long garbage collection would be taken for a dead cache, and a second of reads go past it."""

    async def plain(limit_s, awaited):
        async with asyncio.timeout(limit_s):
            return await awaited

    async def answered(wait):
        loop = asyncio.get_running_loop()
        here, there = socket.socketpair()
        with here, there:
            here.setblocking(False)  # noqa: FBT003  (the socket's own signature)
            asking = asyncio.create_task(wait(0.05, loop.sock_recv(here, 10)))
            await asyncio.sleep(0.01)
            there.sendall(b"answer")
            time.sleep(0.3)  # noqa: ASYNC251  (this is what is tested)
            try:
                return await asking
            except TimeoutError:
                return None

    assert asyncio.run(answered(within)) == b"answer"
    assert asyncio.run(answered(plain)) is None


def test_after_the_pause_one_tries_and_the_others_go_on():
    """Without this every request of a second would wait for a server that still hangs."""
    clock = Hand(0.0)
    breaker = Breaker(clock, 1.0)
    assert breaker.allows()
    breaker.failed()
    clock.now_s = 0.99
    assert not breaker.allows()
    clock.now_s = 1.0
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    clock.now_s = 2.0
    assert breaker.allows()
    breaker.worked()
    assert [breaker.allows() for _ in range(3)] == [True] * 3
