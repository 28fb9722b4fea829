"""Data: off (everything in memory), or PostgreSQL through a driver, a way of access and a way of loading."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.serializers.web import Serializer
from targets.service.database.options import Postgres
from targets.service.log import Emit

NAME = "data"


class Off(BaseModel):
    """No database: items and orders live in the process."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


Setting = Annotated[Off | Postgres, Field(discriminator="kind")]
DEFAULT = Off()

BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {}


def _off_routers(_: Off, serializer: Serializer) -> list[APIRouter]:
    from targets.service.routers import orders  # noqa: PLC0415  (PostgreSQL has another one)

    return [orders.build_router(serializer)]


def _postgres_routers(chosen: Postgres, serializer: Serializer) -> list[APIRouter]:
    from targets.service.routers import database  # noqa: PLC0415  (off pays nothing)

    return database.build_routers(serializer, chosen)


async def _enter_postgres(chosen: Postgres, stack: AsyncExitStack, state: MutableMapping[str, Any]) -> None:
    from targets.service.database import opening  # noqa: PLC0415  (off pays nothing)

    backend = await stack.enter_async_context(opening.opened(chosen))
    state.update(database=backend, work=backend.work, products=backend.products)
    # Orders no longer live in the process.
    kept = {name: ping for name, ping in state["pings"].items() if name != "orders"}
    state["pings"] = {**kept, "database": backend.ping}


def _check_postgres(_: Postgres, environment: Mapping[str, str]) -> list[str]:
    from targets.service.database import url  # noqa: PLC0415  (off pays nothing)

    complaint = url.complaint(environment)
    return [] if complaint is None else [complaint]


ROUTERS: Mapping[type[Any], Callable[[Any, Serializer], list[APIRouter]]] = {
    Off: _off_routers,
    Postgres: _postgres_routers,
}
"""Endpoints that a setting brings."""

RESOURCES: Mapping[type[Any], Callable[[Any, AsyncExitStack, MutableMapping[str, Any]], Awaitable[None]]] = {
    Postgres: _enter_postgres
}
"""What the lifespan enters: it puts what requests need into the state."""

CHECKS: Mapping[type[Any], Callable[[Any, Mapping[str, str]], list[str]]] = {Postgres: _check_postgres}
"""What a setting needs of the environment besides itself: one line for each complaint."""
