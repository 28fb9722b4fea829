"""Draining: off (SIGTERM is the server's alone), or on (not ready at once, still serving for a while, then stopped)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.serializers.web import Serializer
from targets.service.log import Emit

NAME = "drain"


class Off(BaseModel):
    """The server stops when it is told to; whoever routes requests learns of it by a refused connection."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class On(BaseModel):
    """After SIGTERM, or POST /internal/drain, readiness is 503; SIGTERM reaches the server ``delay_s`` later."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["on"] = "on"
    delay_s: float = Field(
        default=5.0, ge=0, le=600, description="Served on after SIGTERM; shorter than the grace of whoever kills"
    )


Setting = Annotated[Off | On, Field(discriminator="kind")]
DEFAULT = Off()


def _frame(_: On, __: Emit) -> Middleware:
    from targets.service.middleware.drain import DrainMiddleware  # noqa: PLC0415  (off pays nothing)

    return Middleware(DrainMiddleware)


def _routers(_: On, __: Serializer) -> list[APIRouter]:
    from targets.service.routers import drain  # noqa: PLC0415  (off pays nothing)

    return [drain.build_router()]


async def _enter(chosen: On, stack: AsyncExitStack, state: MutableMapping[str, Any]) -> None:
    from targets.service import draining  # noqa: PLC0415  (off pays nothing)

    state["drain"] = stack.enter_context(draining.hooked(chosen.delay_s))


BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {On: _frame}

ROUTERS: Mapping[type[Any], Callable[[Any, Serializer], list[APIRouter]]] = {On: _routers}
"""The hook of an orchestrator that tells a replica before it sends the signal."""

RESOURCES: Mapping[type[Any], Callable[[Any, AsyncExitStack, MutableMapping[str, Any]], Awaitable[None]]] = {On: _enter}
"""What holds SIGTERM back for the life of the process."""
