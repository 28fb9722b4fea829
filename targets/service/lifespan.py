"""What lives as long as the process: entered at start-up, closed in the reverse order."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI

from targets.service.log import Emit
from targets.service.practices import Enter
from targets.service.repositories.items import ItemRepository
from targets.service.repositories.orders import OrderRepository
from targets.service.repositories.seed import seeded_items

Ping = Callable[[], Awaitable[str | None]]
"""Raises where the resource cannot be used; a word where the service can do without it, such as ``degraded``."""


State = dict[str, Any]
"""What requests find in their state; ``pings`` says how each resource is asked whether it is ready."""


def build_lifespan(
    items: int, seed: int, resources: Sequence[Enter], emit: Emit, fingerprint: str
) -> Callable[[FastAPI], AbstractAsyncContextManager[State]]:
    """Give the lifespan of one application; a resource that is entered brings its own ping."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            stack.callback(emit, logging.INFO, "stopped", {"fingerprint": fingerprint})
            item_repository = ItemRepository(seeded_items(items, seed))
            order_repository = OrderRepository()
            pings = {"items": item_repository.ping, "orders": order_repository.ping}
            state: State = {"items": item_repository, "orders": order_repository, "pings": pings}
            for enter in resources:
                await enter(stack, state)
            emit(logging.INFO, "started", {"fingerprint": fingerprint})
            yield state

    return lifespan
