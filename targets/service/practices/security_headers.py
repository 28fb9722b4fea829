"""Security headers: off, an empty frame, a pure ASGI frame, or Starlette's BaseHTTPMiddleware."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.service.log import Emit

NAME = "security_headers"

HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The service answers data only: nothing in it may load anything or be framed.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


class Off(BaseModel):
    """No frame, no headers."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class PassThrough(BaseModel):
    """A frame that does nothing: what the layer alone costs."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["pass_through"] = "pass_through"


class PureAsgi(BaseModel):
    """A pure ASGI frame."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["pure_asgi"] = "pure_asgi"


class BaseHttp(BaseModel):
    """Starlette's BaseHTTPMiddleware."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["base_http"] = "base_http"


Setting = Annotated[Off | PassThrough | PureAsgi | BaseHttp, Field(discriminator="kind")]
DEFAULT = PureAsgi()


def _pass_through(_: PassThrough, __: Emit) -> Middleware:
    from targets.service.middleware.pass_through import PassThroughMiddleware  # noqa: PLC0415  (off pays nothing)

    return Middleware(PassThroughMiddleware)


def _pure_asgi(_: PureAsgi, __: Emit) -> Middleware:
    from targets.service.middleware import security_headers  # noqa: PLC0415  (off pays nothing)

    return Middleware(security_headers.SecurityHeadersMiddleware, headers=HEADERS)


def _base_http(_: BaseHttp, __: Emit) -> Middleware:
    from targets.service.middleware import base_http_security_headers as frame  # noqa: PLC0415  (off pays nothing)

    return Middleware(frame.BaseHTTPSecurityHeadersMiddleware, headers=HEADERS)


BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {
    PassThrough: _pass_through,
    PureAsgi: _pure_asgi,
    BaseHttp: _base_http,
}
