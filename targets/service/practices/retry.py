"""Retries of calls to the upstream: off, or one of seven policies; ``attempts`` counts the first one, too.

Tried again are broken and refused connections, read time-outs, and 429, 502, 503 and 504.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.service.log import Emit

NAME = "retry"

Attempts = Annotated[int, Field(ge=1, le=20, description="Attempts in all: three retries are 4")]
BaseMilliseconds = Annotated[float, Field(ge=0, le=60_000, description="The first pause, or its bound")]
CapMilliseconds = Annotated[float, Field(ge=0, le=600_000, description="The longest pause")]


class Off(BaseModel):
    """One attempt."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class Fixed(BaseModel):
    """The same pause before each retry; 0 tries again at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["fixed"] = "fixed"
    attempts: Attempts = 4
    base_ms: BaseMilliseconds = 50.0


class Exponential(BaseModel):
    """Pauses that double."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["exponential"] = "exponential"
    attempts: Attempts = 4
    base_ms: BaseMilliseconds = 50.0
    cap_ms: CapMilliseconds = 2_000.0


class ExponentialJitter(BaseModel):
    """Pauses drawn evenly from 0 to a bound that doubles."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["exponential_jitter"] = "exponential_jitter"
    attempts: Attempts = 4
    base_ms: BaseMilliseconds = 50.0
    cap_ms: CapMilliseconds = 2_000.0


class Stamina(BaseModel):
    """stamina: pauses that double, plus up to ``base_ms``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["stamina"] = "stamina"
    attempts: Attempts = 4
    base_ms: BaseMilliseconds = 50.0
    cap_ms: CapMilliseconds = 2_000.0


class Budget(BaseModel):
    """Full jitter; each retry takes a token, and each success pays in ``ratio`` of one."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["budget"] = "budget"
    attempts: Attempts = 4
    base_ms: BaseMilliseconds = 50.0
    cap_ms: CapMilliseconds = 2_000.0
    ratio: Annotated[float, Field(ge=0, le=1, description="Retries per success")] = 0.1
    reserve: Annotated[float, Field(ge=0, le=10_000, description="Tokens at the start, and at most")] = 10.0


class Breaker(BaseModel):
    """Full jitter behind a circuit breaker."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["breaker"] = "breaker"
    attempts: Attempts = 4
    base_ms: BaseMilliseconds = 50.0
    cap_ms: CapMilliseconds = 2_000.0
    threshold: Annotated[int, Field(ge=1, le=10_000, description="Failures in a row that open it")] = 5
    share: Annotated[float | None, Field(gt=0, le=1, description="Share of the window that opens it, too")] = None
    window: Annotated[int, Field(ge=1, le=10_000, description="Attempts that the share looks back on")] = 20
    cooldown_s: Annotated[float, Field(gt=0, le=3_600, description="How long it stays open")] = 1.0


class Hedging(BaseModel):
    """A second attempt where the first has not answered after ``hedge_ms``; the first answer wins."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["hedging"] = "hedging"
    hedge_ms: Annotated[float, Field(ge=0, le=60_000, description="What the first attempt has for itself")] = 50.0


Setting = Annotated[
    Off | Fixed | Exponential | ExponentialJitter | Stamina | Budget | Breaker | Hedging, Field(discriminator="kind")
]
DEFAULT = Off()

BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {}


async def _enter(chosen: Any, _: AsyncExitStack, state: MutableMapping[str, Any]) -> None:
    from targets.service.resilience import opening  # noqa: PLC0415  (off pays nothing)

    if "quotes" not in state:
        raise ValueError("SERVICE_RETRY__KIND needs calls to try again: set SERVICE_UPSTREAM__KIND=on")
    state["quotes"] = state["quotes"].under(opening.policy_of(chosen, state["quotes"].counts))


RESOURCES: Mapping[type[Any], Callable[[Any, AsyncExitStack, MutableMapping[str, Any]], Awaitable[None]]] = (
    dict.fromkeys((Fixed, Exponential, ExponentialJitter, Stamina, Budget, Breaker, Hedging), _enter)
)
"""What the lifespan enters: it puts a policy around the calls that are in the state already."""
