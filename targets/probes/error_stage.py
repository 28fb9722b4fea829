"""A service among dependencies that can be taken away, and who brings it to its errors."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple
from uuid import uuid4

import httpx

from targets.orchestrator.relay import Relay, relayed
from targets.probes import error_kinds as kinds
from targets.probes import plain
from targets.probes.bad_listeners import HOST, deaf
from targets.probes.error_kinds import Kind
from targets.probes.failing_service import PLAIN, UNHANDLED
from targets.probes.hosted import Hosted, hosted

APP = "targets.probes.failing_service:create_app"
POOL = 3
CONNECTION_S = 0.6
"""What a request waits for a connection to the database."""
READ_S = 0.2
"""What the service waits for its upstream."""
FULL = 24
"""Requests at once in a process; a stage asks for at most ``AT_ONCE`` where it is not to be full."""
AT_ONCE = 8
BURST = 3 * FULL
HOLD_S = 0.15
"""Until a request that is held has taken its key; it is held for 0.5 s."""
ANSWER_S = 10.0
SETTINGS = {
    "SERVICE_DATA__KIND": "postgres",
    "SERVICE_DATA__POOL_SIZE": str(POOL),
    "SERVICE_DATA__MAX_OVERFLOW": "0",
    "SERVICE_DATA__POOL_TIMEOUT_S": str(CONNECTION_S),
    "SERVICE_DATA__PRE_PING": "true",
    "SERVICE_IDEMPOTENCY__KIND": "row",
    "SERVICE_IDEMPOTENCY__RULES": "draft",
    "SERVICE_IDEMPOTENCY__FAULTS": "on",
    "SERVICE_UPSTREAM__KIND": "on",
    "SERVICE_UPSTREAM__READ_TIMEOUT_S": str(READ_S),
    "SERVICE_SHEDDING__KIND": "limit",
    "SERVICE_SHEDDING__IN_FLIGHT_MAX": str(FULL),
    "SERVICE_RATE_LIMIT__KIND": "fixed",
    "SERVICE_RATE_LIMIT__LIMIT": "1",
    "SERVICE_RATE_LIMIT__WINDOW_S": "86400",
    # All but the path that is to be refused: else one error would hide the others.
    "SERVICE_RATE_LIMIT__EXEMPT": json.dumps(["/api", "/health", "/internal", "/nowhere", "/ping", UNHANDLED, PLAIN]),
    "SERVICE_DRAIN__KIND": "on",
    "SERVICE_DRAIN__DELAY_S": "0",
    "SERVICE_LOGGING__KIND": "stdlib",
    "SERVICE_ENVIRONMENT": "production",
}


class Got(NamedTuple):
    """One answer; status 0 where none came."""

    kind: Kind
    circumstance: str
    status: int
    media_type: str | None
    body: bytes

    @property
    def succeeded(self) -> bool:
        """Tell whether no error was provoked, as where a request that was to be held came through on a busy machine."""
        return 0 < self.status < httpx.codes.BAD_REQUEST


@dataclass(slots=True)
class Stage:
    """One service with what stands behind it; ``got`` grows with each answer."""

    running: Hosted
    client: httpx.AsyncClient
    database: Relay
    upstream: Relay
    draw: random.Random
    got: list[Got] = field(default_factory=list)

    async def ask(self, kind: Kind, circumstance: str) -> Got:
        """Send one request and keep its answer."""
        got = await self.send(kind, circumstance)
        self.got.append(got)
        return got

    async def send(self, kind: Kind, circumstance: str = "") -> Got:
        """Send one request."""
        return await sent(self.client, self.running.url, kind, circumstance)

    async def mixed(self, chosen: Sequence[Kind], circumstance: str, each: int) -> None:
        """Ask for each kind so many times, in random order, AT_ONCE at a time, among requests that succeed."""
        wanted = [*chosen] * each
        self.draw.shuffle(wanted)
        places = asyncio.Semaphore(AT_ONCE)

        async def one(kind: Kind) -> None:
            async with places:
                await self.client.get(f"{self.running.url}/ping")
                await self.ask(kind, circumstance)

        await asyncio.gather(*(one(kind) for kind in wanted))


async def sent(client: httpx.AsyncClient, url: str, kind: Kind, circumstance: str) -> Got:
    """Send one request and give what came of it."""
    try:
        answer = await client.request(kind.method, url + kind.path, content=kind.body, headers=dict(kind.headers))
    except httpx.TransportError as error:
        return Got(kind, circumstance, 0, type(error).__name__, b"")
    return Got(kind, circumstance, answer.status_code, answer.headers.get("content-type"), answer.content)


def lone_client() -> httpx.AsyncClient:
    """Give a client with a connection for each request: none meets the end of another's."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return plain.client(timeout=ANSWER_S, limits=limits)


@contextlib.asynccontextmanager
async def staged(
    server: str, seed: int, changes: Mapping[str, str] = MappingProxyType({}), **options: str
) -> AsyncIterator[Stage]:
    """Start the service under the server, behind relays; the database has what the kinds need."""
    with deaf() as silent:
        async with (
            relayed(os.environ["DATABASE_URL"]) as (database, database_url),
            relayed(f"http://{HOST}:{silent}") as (upstream, upstream_url),
            hosted(_surrounded(changes, database_url, upstream_url), server, APP, **options) as running,
            lone_client() as client,
        ):
            stage = Stage(running, client, database, upstream, random.Random(seed))
            await stage.send(Kind("", 201, "POST", kinds.USERS, kinds.user(kinds.TAKEN), kinds.JSON))
            await stage.send(Kind("", 201, "POST", kinds.ORDERS, kinds.order(1, 1), kinds.keyed(kinds.REUSED_KEY)))
            yield stage


def _surrounded(changes: Mapping[str, str], database_url: str, upstream_url: str) -> dict[str, str]:
    return {**SETTINGS, **changes, "DATABASE_URL": database_url, "UPSTREAM_URL": upstream_url}


async def alone(stage: Stage, each: int) -> None:
    """Ask for one thing after the other, while everything works but the upstream."""
    for kind in (*kinds.ALWAYS, *kinds.STORED, kinds.REUSED) * each:
        await stage.ask(kind, "alone")
    for _ in range(each):
        key = f"probe-errors-held-{uuid4()}"
        holding = kinds.HELD._replace(headers=kinds.keyed(key, "wait before_effect"))
        held = asyncio.create_task(stage.send(holding))
        await asyncio.sleep(HOLD_S)
        await stage.ask(kinds.HELD._replace(headers=kinds.keyed(key)), "alone")
        await held


async def under_load(stage: Stage, each: int) -> None:
    """Ask for everything at once."""
    await stage.mixed((*kinds.ALWAYS, *kinds.STORED), "under load", each)


async def dependencies_away(stage: Stage, each: int) -> None:
    """Let database and upstream refuse connections, those that are open included."""
    stage.database.cut()
    stage.upstream.cut()
    await stage.mixed((*kinds.ALWAYS, *kinds.AWAY), "dependencies away", each)
    await stage.database.mend()
    await stage.upstream.mend()


async def database_silent(stage: Stage, each: int) -> None:
    """Let the database take everything and answer nothing: connections run out, and then places."""
    stage.database.stall()
    hanging = [asyncio.create_task(stage.send(kinds.NO_CONNECTION)) for _ in range(POOL)]
    await asyncio.sleep(HOLD_S)
    await stage.mixed((*kinds.ALWAYS, kinds.NO_CONNECTION), "database silent", each)
    for got in await asyncio.gather(*(stage.send(kinds.CROWDED, "database silent") for _ in range(BURST))):
        # Who found a place waited for a connection in vain.
        stage.got.append(got if b'"overloaded"' in got.body else got._replace(kind=kinds.NO_CONNECTION))
    stage.database.resume()
    await asyncio.gather(*hanging)


async def limited(stage: Stage, each: int) -> None:
    """Ask for more than a window admits; each process counts for itself, so each must have been asked."""
    for _ in range(AT_ONCE):
        await stage.send(kinds.LIMITED)
    for _ in range(each):
        await stage.ask(kinds.LIMITED, "beyond a limit")


async def draining(stage: Stage, each: int) -> None:
    """Tell the process to leave, as an orchestrator's hook does."""
    await stage.send(Kind("", 200, "POST", "/internal/drain"))
    for _ in range(each):
        await stage.ask(kinds.DRAINING, "draining")


Act = Callable[[Stage, int], Awaitable[None]]

ACTS: tuple[Act, ...] = (alone, under_load, dependencies_away, database_silent, limited, draining)
"""The last one cannot be taken back."""


def statuses(got: Sequence[Got]) -> dict[str, int]:
    """Count the answers by status, as JSON can carry it."""
    return {str(status): count for status, count in sorted(Counter(one.status for one in got).items())}
