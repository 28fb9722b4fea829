"""A second request where the first one is slow; the first answer wins and the other request is cancelled.

Hedged requests of Dean and Barroso, The Tail at Scale (CACM, 2013).  Where the first fails before the second was due,
the second is sent at once, as gRPC does (proposal A6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from targets.service.practices.retry import Hedging
from targets.service.resilience.counts import Counts
from targets.service.resilience.deadline import Deadline
from targets.service.resilience.failures import worth_another
from targets.service.resilience.policy import Attempt, Given, Policy, R


class Hedged:
    """Two attempts at most."""

    def __init__(self, hedge_s: float, counts: Counts) -> None:
        """Keep how long the first has for itself."""
        self._hedge_s = hedge_s
        self._counts = counts

    async def call(self, attempt: Attempt[R], _: Deadline) -> R:
        """Give the first answer; the last error where both failed."""
        first = asyncio.ensure_future(attempt())
        tasks = [first]
        try:
            await asyncio.wait(tasks, timeout=self._hedge_s)
            if not first.done():
                self._counts.hedges += 1
            elif not _failed(first):
                return first.result()
            tasks.append(asyncio.ensure_future(attempt()))
            return await _first_answer(tasks)
        finally:
            await _end(tasks)


async def _first_answer(tasks: Sequence[asyncio.Future[R]]) -> R:
    waiting = set(tasks)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if not _failed(task):
                return task.result()
    # Both failed in a way that another attempt might have mended; the second is the news.
    return tasks[-1].result()


def _failed(task: asyncio.Future[R]) -> bool:
    error = task.exception()
    return error is not None and worth_another(error)


async def _end(tasks: Sequence[asyncio.Future[R]]) -> None:
    """Cancel what is still under way, and wait until its connection is given back."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def build(chosen: Hedging, given: Given) -> Policy:
    """Give the policy."""
    return Hedged(chosen.hedge_ms / 1e3, given.counts)
