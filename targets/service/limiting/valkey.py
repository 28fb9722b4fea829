"""Limits in Valkey, for all processes: one script decides and tells what the headers say, in one round trip.

The ``limits`` library is not used here: it asks for the decision and for the headers' figures apart, two or three
round trips of which another process's request may fall in between.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from targets.service.cache.link import Link
from targets.service.cache.link import UnavailableError as NoAnswerError
from targets.service.limiting.quota import Decision, Quota, UnavailableError

CONNECTIONS_MAX = 64

CLOCK = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
"""
"""Valkey's own: processes on several machines need not agree on theirs."""

SETTINGS = """
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
"""
"""ARGV limit, window in µs; every script gives allowed, remaining, now, reset, retry as ``Decision`` names them."""


class ValkeyLimiter:
    """Asks Valkey about each request, and leaves it alone for a while after an error."""

    def __init__(self, link: Link, lua: str, quota: Quota, prefix: str, timeout_s: float) -> None:
        """Register the script; a request waits for at most the time-out and a short grace."""
        self._link, self._prefix, self._timeout_s = link, prefix, timeout_s
        self._arguments = [quota.limit, quota.window_us]
        self._script = link.client.register_script(CLOCK + SETTINGS + lua)

    async def __call__(self, client: str, /) -> Decision:
        """Decide; UnavailableError where Valkey gives no answer in time."""
        allowed, *rest = await self._ask(lambda _: self._script([self._prefix + client], self._arguments))
        return Decision(bool(allowed), *rest)

    async def ping(self) -> None:
        """Ask Valkey for a sign of life; UnavailableError where there is none in time."""
        await self._ask(lambda client: client.ping())

    async def _ask(self, command: Callable[[Redis], Awaitable[Any]]) -> Any:
        try:
            return await self._link.ask(command, self._timeout_s)
        except NoAnswerError as error:
            raise UnavailableError(None if error.__cause__ is None else repr(error.__cause__)) from error


@asynccontextmanager
async def connected(url: str, timeout_s: float) -> AsyncIterator[Redis]:
    """Give a client until the block ends; nothing is connected before the first command, and none is tried twice.

    A request is counted when its script has run, whether or not the answer arrives: a second try would count twice.
    The sockets' own time-outs are twice as long, since they are fooled by a loop that stood still.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS_MAX,
        timeout=None,
        socket_timeout=2 * timeout_s,
        socket_connect_timeout=2 * timeout_s,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )
    client = Redis.from_pool(pool)
    try:
        yield client
    finally:
        await client.aclose()
