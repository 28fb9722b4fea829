"""Orders with idempotency keys, sent to a service of several processes, and counted in its database."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from targets.probes import plain
from targets.probes.served import HEALTH_S, START_S

ORDERS = "/api/v1/orders"
IN_PROGRESS = "idempotency-key-in-progress"

SETTLE_S = HEALTH_S + START_S
"""A claim of a dead process ends before that, and so does the start of the next one, with what its supervisor may wait
for the dead before."""
ANSWER_S = 30.0
LOOKS = 300
"""Connections that are tried until one reaches another process."""

_ANY = """
select (select min(id) from users where deleted_at is null) as user_id,
       (select min(id) from products where deleted_at is null) as product_id
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one key."""

    rows: int
    status: int
    """Of the last answer."""
    differs: bool = False
    """Whether a replay was not equal to what it replays, in status, type or body."""
    astray: bool = False
    """Whether an answer on the way was one that no rule allows."""


@dataclass(slots=True)
class Tally:
    """Outcomes of one case, counted; it grows with each."""

    cases: int = 0
    extra_rows: int = 0
    lost_rows: int = 0
    unreported_rows: int = 0
    not_one_row: int = 0
    differences: int = 0
    wrong_status: int = 0
    statuses: Counter[int] = field(default_factory=Counter)

    def add(self, outcome: Outcome, wanted: int) -> None:
        """Count one; ``wanted`` is the status that the rules ask for in the end."""
        self.cases += 1
        self.extra_rows += max(0, outcome.rows - 1)
        made = httpx.codes.is_success(outcome.status)
        self.lost_rows += int(made and not outcome.rows)
        self.unreported_rows += 0 if made else outcome.rows
        self.not_one_row += int(outcome.rows != 1)
        self.differences += int(outcome.differs)
        self.wrong_status += int(outcome.astray or outcome.status != wanted)
        self.statuses[outcome.status] += 1

    def line(self) -> dict[str, Any]:
        """Give the counts as JSON can carry them."""
        counts = {name: getattr(self, name) for name in self.__slots__ if name != "statuses"}
        return {**counts, "statuses": {str(status): count for status, count in sorted(self.statuses.items())}}


@dataclass(frozen=True, slots=True)
class Shop:
    """A service under its address, and its database."""

    url: str
    pool: asyncpg.Pool[asyncpg.Record]
    client: httpx.AsyncClient
    order: Mapping[str, Any]

    async def post(
        self, key: str, fault: str = "", client: httpx.AsyncClient | None = None, **changes: Any
    ) -> httpx.Response:
        """Place the order under the key; its note is the key, by which its rows are found."""
        headers = {"Idempotency-Key": f'"{key}"', **({"X-Fault": fault} if fault else {})}
        body = {**self.order, "note": key, **changes}
        return await (client or self.client).post(f"{self.url}{ORDERS}", json=body, headers=headers)

    async def settled(self, key: str) -> httpx.Response:
        """Repeat the order until it is neither in progress nor without an answer; RuntimeError if it stays so."""
        deadline_s = time.monotonic() + SETTLE_S
        last = "nothing was asked"
        while time.monotonic() < deadline_s:
            try:
                answer = await self.post(key)
            except httpx.TransportError as error:
                last = repr(error)
            else:
                if answer.status_code < httpx.codes.BAD_REQUEST or answer.json()["code"] != IN_PROGRESS:
                    return answer
                last = f"{answer.status_code}, {IN_PROGRESS}"
            await asyncio.sleep(0.05)
        raise RuntimeError(f"the key {key} was not settled within {SETTLE_S:.0f} s; the last answer: {last}")

    async def rows(self, key: str) -> int:
        """Count the orders that were made under the key."""
        return int(await self.pool.fetchval("select count(*) from orders where note = $1", key))

    async def inside(self, path: str) -> dict[str, Any]:
        """Ask the instrument's endpoint: GET without a query, POST with one or for a deed."""
        address = f"{self.url}/internal/idempotency{path}"
        answer = await (self.client.post(address) if path else self.client.get(address))
        answer.raise_for_status()
        return dict(answer.json())


@contextlib.asynccontextmanager
async def opened(url: str, database_url: str) -> AsyncIterator[Shop]:
    """Open client and database until the block ends."""
    async with (
        asyncpg.create_pool(database_url, min_size=0, max_size=2) as pool,
        plain.client(timeout=ANSWER_S) as client,
    ):
        row = await pool.fetchrow(_ANY)
        if row is None or row["user_id"] is None or row["product_id"] is None:
            raise RuntimeError("the database holds no user and product to order with")
        line = {"product_id": row["product_id"], "quantity": 2, "unit_price": "12.50"}
        order = {"user_id": row["user_id"], "currency": "EUR", "lines": [line], "placed_at": "2026-11-25T00:00:00Z"}
        yield Shop(url, pool, client, order)


@contextlib.asynccontextmanager
async def two_workers(url: str, looks: int = LOOKS) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Give two clients whose one connection each reaches another process; RuntimeError where all reach the same."""
    async with contextlib.AsyncExitStack() as stack:
        seen: dict[int, httpx.AsyncClient] = {}
        for _ in range(looks):
            single = plain.client(timeout=ANSWER_S, limits=httpx.Limits(max_connections=1))
            client = await stack.enter_async_context(single)
            seen.setdefault(int((await client.get(f"{url}/internal/arm")).json()["pid"]), client)
            if len(seen) > 1:
                one, other = list(seen.values())[:2]
                yield one, other
                return
    raise RuntimeError(f"all of {looks} connections reached one process")


async def healed(shop: Shop) -> None:
    """Wait until two processes answer again: a server that is told to stop while it starts one takes longer."""
    deadline_s = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline_s:
        with contextlib.suppress(RuntimeError, httpx.TransportError):
            async with two_workers(shop.url, looks=10):
                return
        await asyncio.sleep(0.1)
