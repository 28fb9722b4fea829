"""Load shedding: off, or a limit on requests in flight, beyond which the service says no at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.service.log import Emit

NAME = "shedding"


class Off(BaseModel):
    """Every request is taken, however many there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class Limit(BaseModel):
    """At most so many at once in each process; one more is a 503 with Retry-After."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["limit"] = "limit"
    in_flight_max: Annotated[int, Field(ge=1, le=100_000, description="Requests at once in each process")] = 64


Setting = Annotated[Off | Limit, Field(discriminator="kind")]
DEFAULT = Off()


def _limit(chosen: Limit, _: Emit) -> Middleware:
    from targets.service.middleware.shedding import SheddingMiddleware  # noqa: PLC0415  (off pays nothing)

    return Middleware(SheddingMiddleware, in_flight_max=chosen.in_flight_max)


BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {Limit: _limit}
