"""The one way to Valkey: each command goes through the breaker, and its failure is counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from targets.service.cache.breaker import Breaker
from targets.service.cache.limit import ANSWER_S, within
from targets.service.cache.metrics import LevelMetrics

R = TypeVar("R")


class UnavailableError(Exception):
    """Valkey failed at a command, did not answer in time, or is left alone; whoever asked goes on without it."""


class Link:
    """A client with its breaker."""

    def __init__(self, client: Redis, breaker: Breaker, metrics: LevelMetrics) -> None:
        """Join the parts."""
        self.client = client
        self._breaker = breaker
        self._counts = metrics.counts

    async def ask(self, command: Callable[[Redis], Awaitable[R]], limit_s: float = ANSWER_S) -> R:
        """Send one command; UnavailableError if it gives no answer within the limit."""
        if not self._breaker.allows():
            self._counts.skipped += 1
            raise UnavailableError
        try:
            answer = await within(limit_s, command(self.client))
        except (RedisError, OSError) as error:
            self._counts.errors += 1
            # A server that refuses one command in words is well; loading and wrong passwords derive from the other.
            if isinstance(error, ResponseError) and not isinstance(error, RedisConnectionError):
                self._breaker.worked()
            else:
                self._breaker.failed()
            raise UnavailableError from error
        self._breaker.worked()
        return answer
