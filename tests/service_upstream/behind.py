"""What the upstream's tests share: applications on real sockets, calls under a policy, a clock that is set."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import uvicorn

from targets.probes import plain
from targets.service.practices import retry
from targets.service.practices.upstream import On
from targets.service.resilience.failures import CallError
from targets.service.resilience.opening import policy_of
from targets.service.upstream.opening import opened
from targets.upstream.app import create_app

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

FAST = {"base_ms": 1.0, "cap_ms": 4.0}

FOUR_ATTEMPTS = {
    "fixed": retry.Fixed(attempts=4, base_ms=1.0),
    "exponential": retry.Exponential(attempts=4, **FAST),
    "exponential_jitter": retry.ExponentialJitter(attempts=4, **FAST),
    "stamina": retry.Stamina(attempts=4, **FAST),
    "budget": retry.Budget(attempts=4, reserve=1000, **FAST),
    "breaker": retry.Breaker(attempts=4, threshold=1000, **FAST),
}
"""Policies that try three times more, with nothing in their way."""


class Hand:
    """A clock that stands until it is set."""

    def __init__(self, now_s=1000.0):
        """Start somewhere."""
        self.now_s = now_s

    def __call__(self):
        """Tell the time."""
        return self.now_s


@contextlib.asynccontextmanager
async def listening(app):
    """Serve an application on a real socket in this loop; gives its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Not serve(): that would take the signals of the whole test process.
    await server.startup()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        # Nor shutdown(), which waits.
        for each in server.servers:
            each.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()


@contextlib.asynccontextmanager
async def upstream(**behaviour):
    """Serve an upstream that behaves like this, quickly if nothing is said; gives a client of it."""
    chosen = {"work_ms": 0, "capacity": 1000, **behaviour}
    environment = {f"UPSTREAM_{name.upper()}": str(value) for name, value in chosen.items()}
    async with (
        listening(create_app(environment)) as url,
        plain.client(url, timeout=30, limits=httpx.Limits(max_connections=None)) as client,
    ):
        yield client


async def ledger(client):
    """Read the upstream's counts."""
    return (await client.get("/ledger")).json()


async def settled(client, field, count):
    """Read the ledger once a count has come: what the server learns by itself it learns later."""
    for _ in range(200):
        found = await ledger(client)
        if found[field] >= count:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"{field} stayed at {found[field]}")


async def behave(client, **changes):
    """Change what the upstream does."""
    (await client.post("/control", json=changes)).raise_for_status()


PATIENT = {"connect_timeout_s": 10.0, "read_timeout_s": 10.0, "pool_timeout_s": 10.0}
"""Twenty calls at once on a busy machine are not to time out where the test is not about time-outs."""


@contextlib.asynccontextmanager
async def calling(url, policy=None, **settings):
    """Give the calls of a service to this upstream, under a policy."""
    async with opened(On(**{**PATIENT, **settings}), str(url)) as quotes:
        yield quotes if policy is None else quotes.under(policy_of(policy, quotes.counts))


async def outcome(quotes, number=1, **more):
    """Make one call; gives the quote's id or the kind of its failure."""
    try:
        return (await quotes.get(number, **more)).id
    except CallError as error:
        return error.kind


CALLS = 20


async def many(quotes, calls=CALLS):
    """Make so many calls at once."""
    return await asyncio.gather(*(outcome(quotes, number) for number in range(1, calls + 1)))
