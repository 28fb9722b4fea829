"""As many calls at once as there are connections, or streams of one; the others wait here, and not in httpx.

httpx's own queue cannot be left in a hurry: a call that is cancelled (a deadline, a hedge that lost) just when its turn
comes leaves a connection behind that is never opened and never given back, and the pool is smaller for good (httpx
0.28.1 with httpcore 1.0.9; ``targets.probes.waits`` counts them).  Nor has httpx a time-out for the wait for a stream
of HTTP/2.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from targets.service.resilience.failures import CallError

STREAMS = 100
"""What httpx asks for at once over its one connection of HTTP/2."""
BUSY_S = 1.0
"""When to come again where nobody said it."""


class Places:
    """Where calls wait for their turn, in the order of their coming."""

    def __init__(self, count: int, patience_s: float) -> None:
        """Start empty; ``patience_s`` is the longest wait."""
        self._free = asyncio.Semaphore(count)
        self._patience_s = patience_s

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Hold a place for the time of the block; CallError of kind ``busy`` where none becomes free."""
        try:
            async with asyncio.timeout(self._patience_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise CallError("busy", "No connection became free.", retry_after_s=BUSY_S) from error
        try:
            yield
        finally:
            self._free.release()
