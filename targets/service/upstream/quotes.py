"""Quotes of the upstream: each call is attempts under a policy, until a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx

from targets.service.correlation import CURRENT
from targets.service.resilience.counts import Counts
from targets.service.resilience.deadline import Deadline, within_ms
from targets.service.resilience.failures import CallError
from targets.service.resilience.policy import Policy
from targets.service.upstream.attempt import Quote, headers_of, over, sent
from targets.service.upstream.places import Places

PING_S = 0.5
"""An answer about readiness has 1 s for all resources."""


@dataclass(frozen=True, slots=True)
class Quotes:
    """A client, the policy around it, and what they counted."""

    client: httpx.AsyncClient
    policy: Policy
    counts: Counts
    places: Places
    deadline_ms: float | None
    patience_s: float
    """Longest silence of the upstream that an attempt bears."""

    def under(self, policy: Policy) -> Quotes:
        """Give the same calls under another policy."""
        return replace(self, policy=policy)

    async def get(self, quote_id: int, caller_ms: float | None = None) -> Quote:
        """Ask for one quote; CallError where there is none in time.

        ``caller_ms`` is what our own caller waits for.  With a deadline the shorter of both ends the call; without one
        the caller's is only counted against, as a service does that knows no deadlines.
        """
        self.counts.logical += 1
        wanted = within_ms(caller_ms)
        deadline = Deadline() if self.deadline_ms is None else within_ms(self.deadline_ms, caller_ms)
        try:
            quote = await self._until(deadline, _attempts(self, quote_id, deadline))
        except CallError:
            self.counts.given_up += 1
            raise
        self.counts.wasted += wanted.over()
        return quote

    async def _until(self, deadline: Deadline, attempt: Callable[[], Awaitable[Quote]]) -> Quote:
        try:
            async with asyncio.timeout(deadline.left_s()):
                return await self.policy.call(attempt, deadline)
        except TimeoutError as error:
            self.counts.cut += 1
            raise CallError("deadline", "The time of the call is up.") from error

    async def ping(self) -> str:
        """Tell whether the upstream answers: without it the service gives no quotes, but everything else."""
        try:
            async with asyncio.timeout(PING_S), self.places.taken():
                answer = await self.client.get("/health")
        except (CallError, httpx.HTTPError, TimeoutError):
            return "degraded"
        return "degraded" if answer.is_server_error else "ok"

    def report(self) -> dict[str, Any]:
        """Give what happened so far as JSON can carry it."""
        return self.counts.report()


def _attempts(quotes: Quotes, quote_id: int, deadline: Deadline) -> Callable[[], Awaitable[Quote]]:
    """Give what makes the attempts of one call: they share an id and are numbered from 1."""
    current, counts, number = CURRENT.get(), quotes.counts, 0
    request_id = str(uuid4()) if current is None else current.request_id

    async def attempt() -> Quote:
        nonlocal number
        late = over(deadline)
        if late is not None:
            raise late
        async with quotes.places.taken():
            number += 1
            counts.attempts += 1
            counts.first += number == 1
            left_s = deadline.left_s()
            waited_s = quotes.patience_s if left_s is None else min(quotes.patience_s, left_s)
            return await sent(quotes.client, f"/quote/{quote_id}", headers_of(request_id, number, waited_s))

    return attempt
