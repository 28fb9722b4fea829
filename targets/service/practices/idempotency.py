"""Idempotency keys of new orders: off, in Valkey (apart from the order), or in a row of the order's transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.serializers.web import Serializer
from targets.service.log import Emit

NAME = "idempotency"

KeyRules = Annotated[
    Literal["standard", "draft"],
    Field(description="What a known key is answered with (targets/service/idempotency/rules.py)"),
]
Required = Annotated[bool, Field(description="Refuse a new order without a key with 400")]
TtlSeconds = Annotated[float, Field(ge=0.001, le=30 * 86_400, description="How long a key's answer is kept")]
TombstoneSeconds = Annotated[
    float,
    Field(ge=0, le=365 * 86_400, description="standard: how long after that a key is known to have expired"),
]
Faults = Annotated[
    Literal["off", "on"],
    Field(description="Obey X-Fault, which kills the process: for measurement only (idempotency/faults.py)"),
]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="Part of every key in Valkey")]

DAY_S = 86_400.0


class Off(BaseModel):
    """Every request is processed, whatever its Idempotency-Key."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class Valkey(BaseModel):
    """Claims and answers in Valkey, named by REDIS_URL; the order is committed apart from them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["valkey"] = "valkey"
    rules: KeyRules = "standard"
    required: Required = False
    ttl_s: TtlSeconds = DAY_S
    tombstone_s: TombstoneSeconds = 7 * DAY_S
    lock_s: Annotated[float, Field(gt=0, le=3600, description="How long a claim of a dead process blocks its key")] = (
        30.0
    )
    namespace: Word = "idempotency"
    faults: Faults = "off"


class Row(BaseModel):
    """A row beside the order, committed with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["row"] = "row"
    rules: KeyRules = "standard"
    required: Required = False
    ttl_s: TtlSeconds = DAY_S
    tombstone_s: TombstoneSeconds = 7 * DAY_S
    faults: Faults = "off"


Setting = Annotated[Off | Valkey | Row, Field(discriminator="kind")]
DEFAULT = Off()


def _frame(chosen: Valkey | Row, emit: Emit) -> Middleware:
    from targets.service.idempotency.faults import FAULTS  # noqa: PLC0415  (off pays nothing)
    from targets.service.middleware.idempotency import IdempotencyMiddleware  # noqa: PLC0415  (off pays nothing)

    return Middleware(IdempotencyMiddleware, required=chosen.required, fault=FAULTS[chosen.faults], emit=emit)


def _routers(_: Valkey | Row, __: Serializer) -> list[APIRouter]:
    from targets.service.routers import idempotency  # noqa: PLC0415  (off pays nothing)

    return [idempotency.build_router()]


async def _enter_valkey(chosen: Valkey, stack: AsyncExitStack, state: MutableMapping[str, Any]) -> None:
    from targets.service.idempotency import valkey  # noqa: PLC0415  (off and rows pay nothing)

    _stored(state)
    keeper = await stack.enter_async_context(valkey.opened(chosen))
    state["idempotency"] = keeper
    state["pings"] = {**state["pings"], "idempotency": keeper.ping}


async def _enter_row(chosen: Row, _: AsyncExitStack, state: MutableMapping[str, Any]) -> None:
    _stored(state)

    from targets.service.idempotency import rows  # noqa: PLC0415  (off and Valkey pay nothing)

    state["idempotency"] = await rows.opened(chosen, state["work"])


def _stored(state: Mapping[str, Any]) -> None:
    if "work" not in state:
        raise ValueError("SERVICE_IDEMPOTENCY__KIND needs stored orders: set SERVICE_DATA__KIND=postgres")


def _check_valkey(_: Valkey, environment: Mapping[str, str]) -> list[str]:
    from targets.service.cache import url  # noqa: PLC0415  (off pays nothing)

    complaint = url.complaint(environment)
    return [] if complaint is None else [complaint]


BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {Valkey: _frame, Row: _frame}

ROUTERS: Mapping[type[Any], Callable[[Any, Serializer], list[APIRouter]]] = dict.fromkeys((Valkey, Row), _routers)
"""Endpoints that a setting brings: the instrument's."""

RESOURCES: Mapping[type[Any], Callable[[Any, AsyncExitStack, MutableMapping[str, Any]], Awaitable[None]]] = {
    Valkey: _enter_valkey,
    Row: _enter_row,
}
"""What the lifespan enters: who keeps the keys."""

CHECKS: Mapping[type[Any], Callable[[Any, Mapping[str, str]], list[str]]] = {Valkey: _check_valkey}
"""What a setting needs of the environment besides itself: one line for each complaint."""
