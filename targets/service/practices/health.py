"""Health checks: as the standard asks, each of its rules also as the mistake; or a readiness that asks nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.middleware import Middleware

from targets.serializers.web import Serializer
from targets.service.log import Emit

NAME = "health"

Names = tuple[str, ...]


class Standard(BaseModel):
    """Liveness touches nothing, readiness asks every dependency afresh; the fields depart from that."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["standard"] = "standard"
    liveness: Literal["simple", "deep"] = Field(default="simple", description="deep: it asks the dependencies, too")
    cache_s: float = Field(default=0.0, ge=0, le=3600, description="How long readiness keeps what it found; 0: not")
    optional: Names = Field(default=(), description="Dependencies whose failure leaves the service ready, degraded")
    required: Names = Field(default=(), description="Dependencies that must not even be degraded")
    ping_timeout_s: float = Field(default=1.0, gt=0, le=60, description="A slower dependency is not ready")
    startup_s: float = Field(default=0.0, ge=0, le=600, description="Waited in the start-up, for experiments")
    startup_probe: bool = Field(default=True, description="Whether /health/startup is there")

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        both = sorted(set(self.optional) & set(self.required))
        if both:
            raise ValueError(f"optional and required name the same: {', '.join(both)}")
        return self


class Shallow(BaseModel):
    """Readiness asks nobody: what a service answers that only knows that it runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["shallow"] = "shallow"


Setting = Annotated[Standard | Shallow, Field(discriminator="kind")]
DEFAULT = Standard()
"""There is no off: every orchestrator, and the harness, asks these routes."""

BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {}


def _standard_routers(chosen: Standard, serializer: Serializer) -> list[APIRouter]:
    from targets.service.routers import health  # noqa: PLC0415  (each kind imports its own)
    from targets.service.services import readiness  # noqa: PLC0415

    ask = readiness.Asking(frozenset(chosen.optional), frozenset(chosen.required), chosen.ping_timeout_s)
    ready = readiness.keeping(ask, chosen.cache_s) if chosen.cache_s else ask
    live = ask if chosen.liveness == "deep" else readiness.nobody
    return [health.build_router(serializer, health.Asked(live, ready), startup=chosen.startup_probe)]


def _shallow_routers(_: Shallow, serializer: Serializer) -> list[APIRouter]:
    from targets.service.routers import health  # noqa: PLC0415  (each kind imports its own)
    from targets.service.services import readiness  # noqa: PLC0415

    return [health.build_router(serializer, health.Asked(readiness.nobody, readiness.nobody), startup=True)]


async def _enter_standard(chosen: Standard, _: AsyncExitStack, state: MutableMapping[str, Any]) -> None:
    unknown = sorted({*chosen.optional, *chosen.required} - set(state["pings"]))
    if unknown:
        known = ", ".join(sorted(state["pings"]))
        raise ValueError(f"SERVICE_HEALTH__KIND=standard has no dependency {', '.join(unknown)}; there are {known}")
    if chosen.startup_s:
        await asyncio.sleep(chosen.startup_s)


ROUTERS: Mapping[type[Any], Callable[[Any, Serializer], list[APIRouter]]] = {
    Standard: _standard_routers,
    Shallow: _shallow_routers,
}
"""/ping and /health."""

RESOURCES: Mapping[type[Any], Callable[[Any, AsyncExitStack, MutableMapping[str, Any]], Awaitable[None]]] = {
    Standard: _enter_standard
}
"""What the lifespan waits for, once all dependencies are in the state."""
