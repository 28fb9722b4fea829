"""Rate limits: off, or fixed windows, a sliding window, a token bucket; counted in each process or in Valkey."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.service.log import Emit

NAME = "rate_limit"

Store = Annotated[
    Literal["memory", "valkey"],
    Field(description="memory: each process counts for itself, so that N of them admit N times the limit"),
]
Limit = Annotated[int, Field(ge=1, le=100_000, description="Requests of one client in a window")]
WindowSeconds = Annotated[int, Field(ge=1, le=86_400, description="Whole seconds: the header fields know no less")]
Client = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$",
        description="peer: the connection's address; else a header field, which a gateway must have set",
    ),
]
HeaderStyle = Annotated[
    Literal["standard", "draft"], Field(description="X-RateLimit-… with a timestamp, or the draft's RateLimit fields")
]
Exempt = Annotated[
    tuple[Annotated[str, Field(pattern=r"^/")], ...],
    Field(description="Paths that are not counted, with all below them"),
]
Fail = Annotated[Literal["open", "closed"], Field(description="valkey, which is away: admit everyone, or nobody (503)")]
TimeoutSeconds = Annotated[float, Field(ge=0.001, le=10, description="valkey: how long a request waits for it")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="valkey: part of every key")]

UNCOUNTED = ("/health", "/ping", "/internal")
"""An orchestrator and the instruments ask often and from one address; refusing them would stop the service."""

TIMEOUT_S = 0.1
"""Valkey nearby answers within a millisecond; a tenth of a second is what a user may lose to a limit."""


class Off(BaseModel):
    """Every request is taken, however many a client sends."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class Fixed(BaseModel):
    """Windows that begin at multiples of their length."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["fixed"] = "fixed"
    store: Store = "memory"
    limit: Limit = 100
    window_s: WindowSeconds = 60
    client: Client = "peer"
    headers: HeaderStyle = "standard"
    exempt: Exempt = UNCOUNTED
    fail: Fail = "open"
    timeout_s: TimeoutSeconds = TIMEOUT_S
    namespace: Word = "rate-limit"


class Sliding(BaseModel):
    """The window that ends now, whenever that is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["sliding"] = "sliding"
    store: Store = "memory"
    limit: Limit = 100
    window_s: WindowSeconds = 60
    client: Client = "peer"
    headers: HeaderStyle = "standard"
    exempt: Exempt = UNCOUNTED
    fail: Fail = "open"
    timeout_s: TimeoutSeconds = TIMEOUT_S
    namespace: Word = "rate-limit"


class Bucket(BaseModel):
    """A bucket of ``limit`` tokens, which fills in ``window_s``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["bucket"] = "bucket"
    store: Store = "memory"
    limit: Limit = 100
    window_s: WindowSeconds = 60
    client: Client = "peer"
    headers: HeaderStyle = "standard"
    exempt: Exempt = UNCOUNTED
    fail: Fail = "open"
    timeout_s: TimeoutSeconds = TIMEOUT_S
    namespace: Word = "rate-limit"


Setting = Annotated[Off | Fixed | Sliding | Bucket, Field(discriminator="kind")]
DEFAULT = Off()

KINDS = (Fixed, Sliding, Bucket)


def _frame(chosen: Fixed | Sliding | Bucket, emit: Emit) -> Middleware:
    from targets.service.limiting.client import reader  # noqa: PLC0415  (off pays nothing)
    from targets.service.limiting.opening import quota_of  # noqa: PLC0415  (off pays nothing)
    from targets.service.limiting.styles import STYLES  # noqa: PLC0415  (off pays nothing)
    from targets.service.middleware.rate_limit import RateLimitMiddleware  # noqa: PLC0415  (off pays nothing)

    return Middleware(
        RateLimitMiddleware,
        quota=quota_of(chosen),
        client=reader(chosen.client),
        style=STYLES[chosen.headers],
        exempt=chosen.exempt,
        fail_open=chosen.fail == "open",
        emit=emit,
    )


async def _enter(chosen: Fixed | Sliding | Bucket, stack: AsyncExitStack, state: MutableMapping[str, Any]) -> None:
    from targets.service.limiting import opening  # noqa: PLC0415  (off pays nothing)

    found = await stack.enter_async_context(opening.opened(chosen))
    state["rate_limit"] = found.limiter
    if found.ping is not None:
        state["pings"] = {**state["pings"], "rate_limit": found.ping}


def _check(chosen: Fixed | Sliding | Bucket, environment: Mapping[str, str]) -> list[str]:
    from targets.service.cache import url  # noqa: PLC0415  (off pays nothing)

    complaint = url.complaint(environment, "SERVICE_RATE_LIMIT__STORE=memory") if chosen.store == "valkey" else None
    return [] if complaint is None else [complaint]


BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = dict.fromkeys(KINDS, _frame)

RESOURCES: Mapping[type[Any], Callable[[Any, AsyncExitStack, MutableMapping[str, Any]], Awaitable[None]]] = (
    dict.fromkeys(KINDS, _enter)
)
"""What the lifespan enters: who counts."""

CHECKS: Mapping[type[Any], Callable[[Any, Mapping[str, str]], list[str]]] = dict.fromkeys(KINDS, _check)
"""What a setting needs of the environment besides itself: one line for each complaint."""
