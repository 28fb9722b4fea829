"""Correlation ids: off, or on (X-Request-ID and traceparent read, made up, returned and logged)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.service.log import Emit

NAME = "correlation"


class Off(BaseModel):
    """No ids; an error's trace_id is made up for itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class On(BaseModel):
    """Each request has an id."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["on"] = "on"


Setting = Annotated[Off | On, Field(discriminator="kind")]
DEFAULT = On()


def _on(_: On, __: Emit) -> Middleware:
    from targets.service.middleware.correlation import CorrelationMiddleware  # noqa: PLC0415  (off pays nothing)

    return Middleware(CorrelationMiddleware)


BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {On: _on}
