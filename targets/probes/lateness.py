"""Whether the event loop of a client keeps time: where it does not, a call's time is not the client library's."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator

LOOK_S = 0.005
CALM_TRIES = 100
"""What is begun takes one or two; on a machine with busy neighbours one in some is late by itself."""


class StoodStillError(RuntimeError):
    """The loop was late by more than what was allowed: nothing that was timed meanwhile counts."""


@contextlib.asynccontextmanager
async def bounded(most_s: float) -> AsyncIterator[None]:
    """Watch the loop through a block.

    Raises StoodStillError at the block's end if the loop was late by more than this.
    """
    looks_s = [time.perf_counter()]

    async def watch() -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            looks_s.append(time.perf_counter())

    task = asyncio.ensure_future(watch())
    try:
        yield
    finally:
        task.cancel()
    looks_s.append(time.perf_counter())
    late_s = max(after - before for before, after in itertools.pairwise(looks_s)) - LOOK_S
    if late_s > most_s:
        raise StoodStillError(f"the loop stood still for {late_s * 1e3:.0f} ms")


async def calm(for_s: float) -> None:
    """Wait until the loop has had nothing else to do for so long: what was begun before has been sent.

    Raises StoodStillError if that never comes.
    """
    for _ in range(CALM_TRIES):
        start_s = time.perf_counter()
        await asyncio.sleep(for_s)
        if time.perf_counter() - start_s - for_s < LOOK_S:
            return
    raise StoodStillError("the loop never had nothing to do")
