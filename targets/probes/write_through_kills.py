"""Cache and database after a process died between the two writes, counted product by product, as JSON lines.

``python -m targets.probes.write_through_kills [--kills 4] [--quick]``

It needs DATABASE_URL (seeded) and REDIS_URL.  A product is read, so that the cache has it, and changed; the process is
killed (SIGKILL) after the first of the two writes and before the second.  To be there in time the second is held back:
a relay stalls the way to Valkey, or the product's row is locked.  A new process then tells what it reads, and that is
compared with the row.

Each line is one case of a strategy: ``{"subject", "case", "cases", "diverged", "ahead", "ttl_left_s", "missed"}``.

- ``cases`` are products; ``diverged`` those of which a reader got another version than the database has; ``ahead``
  those of them that the database never had.
- ``ttl_left_s`` is the longest that a diverged entry had still to live: nothing else ends it.
- ``missed`` are changes that were answered before the kill: they are no cases.
- Case ``no fault``: the same changes, and nobody dies.
- Subjects: ``write-through`` (database, then cache), ``aside`` for comparison (database, then the key is forgotten),
  and the twin ``cache first``, which shows what is never committed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

import asyncpg
import httpx
import redis.asyncio

from targets.orchestrator.relay import Relay, relayed
from targets.probes import plain
from targets.probes.hosted import Hosted, hosted

TTL_S = 600.0
"""Longer than a run: what is there in the end was put there by a write."""
SEEN_S = 5.0
"""Longest wait for the first write."""
LOOK_S = 0.001
"""The service waits 0.1 s for its cache; the kill must come before."""
STRATEGIES = {"write-through": "write_through", "aside": "aside", "cache first": "cache_first"}
TWIN = "cache first"
ANSWER_S = 10.0


class Read(NamedTuple):
    """What a reader got, and what the database has."""

    cached: int
    stored: int
    ttl_s: float

    @property
    def diverged(self) -> bool:
        """Tell whether the two differ."""
        return self.cached != self.stored


@dataclass(frozen=True, slots=True)
class Shelf:
    """The products' database and cache, as an onlooker sees them."""

    pool: asyncpg.Pool[asyncpg.Record]
    cache: redis.asyncio.Redis
    namespace: str

    async def stored(self, product_id: int) -> int:
        """Give the version that the database has."""
        return int(await self.pool.fetchval("select version from products where id = $1", product_id))

    async def cached(self, product_id: int) -> int | None:
        """Give the version that the cache has."""
        raw = await self.cache.get(self.key(product_id))
        return None if raw is None else int(raw[:20])

    async def ttl_s(self, product_id: int) -> float:
        """Give how long the entry has still to live; 0 where there is none."""
        return max(0.0, float(await self.cache.pttl(self.key(product_id))) / 1e3)

    def key(self, product_id: int) -> str:
        """Name the entry."""
        return f"v1:{self.namespace}:{product_id}"


@dataclass(slots=True)
class Tally:
    """One case, counted; it grows with each product."""

    reads: list[Read] = field(default_factory=list)
    missed: int = 0

    def line(self) -> dict[str, Any]:
        """Give the counts."""
        diverged = [read for read in self.reads if read.diverged]
        return {
            "cases": len(self.reads),
            "diverged": len(diverged),
            "ahead": sum(read.cached > read.stored for read in diverged),
            "ttl_left_s": max((read.ttl_s for read in diverged), default=0.0),
            "missed": self.missed,
        }


def main(arguments: Sequence[str]) -> None:
    """Print the lines of each strategy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=4, help="for each strategy")
    parser.add_argument("--quick", action="store_true", help="one kill for each, without the comparison")
    chosen = parser.parse_args(arguments)
    kills = 1 if chosen.quick else max(1, chosen.kills)
    for subject, strategy in STRATEGIES.items():
        if chosen.quick and subject == "aside":
            continue
        twin = {"twin": True} if subject == TWIN else {}
        calm, killed = asyncio.run(_observe(strategy, kills))
        _print({"subject": subject, "case": "no fault", **calm.line()})
        _print({"subject": subject, "case": "killed between the writes", **killed.line(), **twin})


async def _observe(strategy: str, kills: int) -> tuple[Tally, Tally]:
    """Change products without a fault, and then one for each death; each process tells what the last one left."""
    calm, killed = Tally(), Tally()
    async with _opened() as shelf, relayed(os.environ["REDIS_URL"]) as (relay, cache_url):
        settings = _settings(strategy, shelf.namespace, cache_url)
        hold = _row_locked if strategy == "cache_first" else _cache_stalled
        left: list[int] = []
        for number in range(1, kills + 1):
            async with hosted(settings) as running, _client(running) as client:
                killed.reads += [await _read(client, shelf, one) for one in left]
                left.clear()
                if number == 1:
                    await _change_calmly(client, shelf, range(101, 101 + 2 * kills), calm)
                if await hold(running, client, shelf, relay, number):
                    left.append(number)
                else:
                    killed.missed += 1
        async with hosted(settings) as running, _client(running) as client:
            killed.reads += [await _read(client, shelf, one) for one in left]
    return calm, killed


@contextlib.asynccontextmanager
async def _opened() -> AsyncIterator[Shelf]:
    cache = redis.asyncio.from_url(os.environ["REDIS_URL"])
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=2, max_size=3) as pool:
        try:
            yield Shelf(pool, cache, f"kills-{uuid4().hex[:12]}")
        finally:
            await cache.aclose()


def _settings(strategy: str, namespace: str, cache_url: str) -> dict[str, str]:
    return {
        "SERVICE_DATA__KIND": "postgres",
        "SERVICE_CACHE__KIND": "l2",
        "SERVICE_CACHE__STRATEGY": strategy,
        "SERVICE_CACHE__TTL_S": str(TTL_S),
        "SERVICE_CACHE__NAMESPACE": namespace,
        "REDIS_URL": cache_url,
    }


def _client(running: Hosted) -> httpx.AsyncClient:
    return plain.client(f"{running.url}/api/v1/products", timeout=ANSWER_S)


async def _change_calmly(client: httpx.AsyncClient, shelf: Shelf, numbers: Sequence[int], calm: Tally) -> None:
    for number in numbers:
        (await client.get(f"/{number}")).raise_for_status()
        (await client.patch(f"/{number}", json={"stock": 7})).raise_for_status()
        calm.reads.append(await _read(client, shelf, number))


async def _read(client: httpx.AsyncClient, shelf: Shelf, number: int) -> Read:
    ttl_s = await shelf.ttl_s(number)
    answer = await client.get(f"/{number}")
    answer.raise_for_status()
    return Read(int(answer.json()["version"]), await shelf.stored(number), ttl_s)


async def _cache_stalled(running: Hosted, client: httpx.AsyncClient, shelf: Shelf, relay: Relay, number: int) -> bool:
    """Let the database's write through and hold back the cache's; tell whether the kill came in time."""
    (await client.get(f"/{number}")).raise_for_status()
    before = await shelf.stored(number)
    relay.stall()
    in_time = await _killed(running, client, number, lambda: _newer(shelf.stored, number, before))
    # What the relay holds is lost, as it is with a process that dies before it has sent it.
    relay.cut()
    relay.resume()
    await relay.mend()
    return in_time


async def _row_locked(running: Hosted, client: httpx.AsyncClient, shelf: Shelf, _: Relay, number: int) -> bool:
    """Let the cache's write through and hold back the database's; tell whether the kill came in time."""
    (await client.get(f"/{number}")).raise_for_status()
    before = await shelf.cached(number) or 0
    async with shelf.pool.acquire() as connection, connection.transaction():
        await connection.execute("select 1 from products where id = $1 for update", number)
        return await _killed(running, client, number, lambda: _newer(shelf.cached, number, before))


async def _killed(
    running: Hosted, client: httpx.AsyncClient, number: int, first: Callable[[], Awaitable[bool]]
) -> bool:
    """Send the change, kill as soon as its first write is there, and tell whether it was unanswered then."""
    change = asyncio.create_task(client.patch(f"/{number}", json={"stock": 9}))
    deadline_s = time.monotonic() + SEEN_S
    while not await first() and not change.done() and time.monotonic() < deadline_s:  # noqa: ASYNC110  (a row sets no event)
        await asyncio.sleep(LOOK_S)
    in_time = not change.done()
    running.kill()
    with contextlib.suppress(httpx.TransportError):
        await change
    return in_time


async def _newer(version_of: Callable[[int], Awaitable[int | None]], number: int, before: int) -> bool:
    version = await version_of(number)
    return version is not None and version > before


def _print(line: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(dict(line)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
