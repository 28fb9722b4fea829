"""Cache of products: off, in the process (l1), in Valkey (l2), or the one in front of the other (both)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.serializers.web import Serializer
from targets.service.log import Emit

NAME = "cache"

Strategy = Annotated[
    Literal["aside", "write_through", "aside_versioned", "cache_first"],
    Field(
        description="What a write does after its commit: forget the key, set it, or forget it and refuse older values;"
        " cache_first, a broken twin, sets the key before the commit"
    ),
]
Stampede = Annotated[
    Literal["none", "lock", "early"],
    Field(description="Who loads an expired key: all, one (a lock), or one before it expires (XFetch)"),
]
TtlSeconds = Annotated[float, Field(ge=0.001, le=30 * 86_400, description="How long an entry lives")]
Jitter = Annotated[float, Field(ge=0, lt=1, description="Lives are drawn from ttl_s · (1 ± jitter)")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="Part of every key")]
ComputeMilliseconds = Annotated[float, Field(ge=0, le=60_000, description="Waited in each load, for experiments")]
Size = Annotated[int, Field(ge=1, le=10_000_000, description="Entries in each process")]


class Off(BaseModel):
    """Every read asks the database."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class L1(BaseModel):
    """cachetools in each process; what another process writes is stale here until the TTL."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["l1"] = "l1"
    strategy: Strategy = "aside"
    stampede: Stampede = "none"
    ttl_s: TtlSeconds = 60.0
    jitter: Jitter = 0.0
    l1_size: Size = 10_000
    namespace: Word = "products"
    version: Word = "v1"
    compute_ms: ComputeMilliseconds = 0.0


class L2(BaseModel):
    """Valkey, named by REDIS_URL, for all processes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["l2"] = "l2"
    strategy: Strategy = "aside"
    stampede: Stampede = "none"
    ttl_s: TtlSeconds = 60.0
    jitter: Jitter = 0.0
    namespace: Word = "products"
    version: Word = "v1"
    compute_ms: ComputeMilliseconds = 0.0


class Both(BaseModel):
    """L1 in front of L2; what another process writes is stale here for up to ``l1_ttl_s``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["both"] = "both"
    strategy: Strategy = "aside"
    stampede: Stampede = "none"
    ttl_s: TtlSeconds = 60.0
    jitter: Jitter = 0.0
    l1_size: Size = 10_000
    l1_ttl_s: Annotated[float, Field(gt=0, le=3600, description="Longest life in the process")] = 1.0
    namespace: Word = "products"
    version: Word = "v1"
    compute_ms: ComputeMilliseconds = 0.0


Setting = Annotated[Off | L1 | L2 | Both, Field(discriminator="kind")]
DEFAULT = Off()

BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {}


def _routers(_: L1 | L2 | Both, __: Serializer) -> list[APIRouter]:
    from targets.service.routers import cache  # noqa: PLC0415  (off pays nothing)

    return [cache.build_router()]


async def _enter(chosen: L1 | L2 | Both, stack: AsyncExitStack, state: MutableMapping[str, Any]) -> None:
    from targets.service.cache import opening  # noqa: PLC0415  (off pays nothing)

    if "products" not in state:
        raise ValueError("SERVICE_CACHE__KIND needs products to cache: set SERVICE_DATA__KIND=postgres")
    parts = await stack.enter_async_context(opening.opened(chosen))
    state["products"] = parts.wrap(state["products"])
    state["cache"] = parts
    state["pings"] = {**state["pings"], "cache": parts.ping}


def _check(_: L2 | Both, environment: Mapping[str, str]) -> list[str]:
    from targets.service.cache import url  # noqa: PLC0415  (off pays nothing)

    complaint = url.complaint(environment)
    return [] if complaint is None else [complaint]


ROUTERS: Mapping[type[Any], Callable[[Any, Serializer], list[APIRouter]]] = dict.fromkeys((L1, L2, Both), _routers)
"""Endpoints that a setting brings: the instrument's."""

RESOURCES: Mapping[type[Any], Callable[[Any, AsyncExitStack, MutableMapping[str, Any]], Awaitable[None]]] = (
    dict.fromkeys((L1, L2, Both), _enter)
)
"""What the lifespan enters: it wraps the products that are in the state already."""

CHECKS: Mapping[type[Any], Callable[[Any, Mapping[str, str]], list[str]]] = dict.fromkeys((L2, Both), _check)
"""What a setting needs of the environment besides itself: one line for each complaint."""
