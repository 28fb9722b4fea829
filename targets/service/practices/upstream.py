"""The upstream: off, or calls through httpx to the service that UPSTREAM_URL names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.serializers.web import Serializer
from targets.service.log import Emit

NAME = "upstream"

Seconds = Annotated[float, Field(gt=0, le=3_600)]


class Off(BaseModel):
    """The service calls nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class On(BaseModel):
    """``GET /api/v1/quotes/{id}`` asks the upstream.

    httpx has no time-out for a call as a whole: ``read_timeout_s`` begins anew with each byte.  ``deadline_ms`` is one:
    it ends the call with all its attempts and pauses.  Each attempt carries how long it is waited for (X-Timeout-Ms):
    the longest silence, or what is left of the deadline where that is less.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["on"] = "on"
    http: Annotated[int, Field(ge=1, le=2, description="2: with prior knowledge over clear text")] = 1
    connect_timeout_s: Seconds = 0.5
    read_timeout_s: Annotated[Seconds, Field(description="Longest silence, not longest answer")] = 1.0
    pool_timeout_s: Annotated[Seconds, Field(description="Longest wait for a free connection")] = 0.5
    pool_size: Annotated[int, Field(ge=1, le=10_000, description="Connections, and so calls at once, of HTTP/1.1")] = (
        100
    )
    keepalive: Annotated[int, Field(ge=0, le=10_000, description="Connections that stay open while idle")] = 20
    deadline_ms: Annotated[
        float | None,
        Field(gt=0, le=3_600_000, description="For a call with all its attempts; None: only time-outs end them"),
    ] = None


Setting = Annotated[Off | On, Field(discriminator="kind")]
DEFAULT = Off()

BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {}


def _routers(_: On, serializer: Serializer) -> list[APIRouter]:
    from targets.service.routers import internal_upstream, quotes  # noqa: PLC0415  (off pays nothing)

    return [quotes.build_router(serializer), internal_upstream.build_router()]


async def _enter(chosen: On, stack: AsyncExitStack, state: MutableMapping[str, Any]) -> None:
    from targets.service.upstream import opening  # noqa: PLC0415  (off pays nothing)

    quotes = await stack.enter_async_context(opening.opened(chosen))
    state["quotes"] = quotes
    state["pings"] = {**state["pings"], "upstream": quotes.ping}


def _check(_: On, environment: Mapping[str, str]) -> list[str]:
    from targets.service.upstream import url  # noqa: PLC0415  (off pays nothing)

    complaint = url.complaint(environment)
    return [] if complaint is None else [complaint]


ROUTERS: Mapping[type[Any], Callable[[Any, Serializer], list[APIRouter]]] = {On: _routers}
"""Endpoints that a setting brings: the quotes, and the instrument's."""

RESOURCES: Mapping[type[Any], Callable[[Any, AsyncExitStack, MutableMapping[str, Any]], Awaitable[None]]] = {On: _enter}
"""What the lifespan enters: one client for the life of the process."""

CHECKS: Mapping[type[Any], Callable[[Any, Mapping[str, str]], list[str]]] = {On: _check}
"""What a setting needs of the environment besides itself: one line for each complaint."""
