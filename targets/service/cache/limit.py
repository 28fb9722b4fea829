"""A time-out that is not fooled by a busy loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

R = TypeVar("R")

ANSWER_S = 0.1
"""A cache that takes longer is slower than asking the database."""
GRACE_S = 0.05
"""What an answer has left if it came while the loop stood still."""


async def within(limit_s: float, awaited: Awaitable[R]) -> R:
    """Wait for an answer; TimeoutError after the limit and the grace.

    A loop that stood still for longer than a plain time-out (a garbage collection, another request's work) would
    find the answer and the time-out side by side, and drop the answer: a healthy cache would be taken for a dead one.
    So the first timer only starts a second, and what arrived in the meantime is read before that one fires.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as timeout:
        first = loop.call_later(limit_s, lambda: timeout.reschedule(loop.time() + GRACE_S))
        try:
            return await awaited
        finally:
            first.cancel()
