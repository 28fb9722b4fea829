"""Cross-origin requests (the Fetch standard): off, or a list of origins whose scripts may read the answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from starlette.middleware import Middleware

from targets.service.log import Emit

NAME = "cors"

ANY = "*"

_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([1-9]\d{0,4}))?")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def _origin(text: str) -> str:
    """Take an origin as browsers send it; ValueError for what no browser would ever send, or anybody could."""
    if text == ANY:
        return text
    found = _ORIGIN.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is no origin as browsers send it, such as https://shop.example or http://[::1]:8080"
        )
    scheme, host, port = found.groups()
    if port == _DEFAULT_PORTS[scheme]:
        raise ValueError(f"{text!r} names its scheme's own port, which browsers leave out: {scheme}://{host}")
    return text


def _token(text: str) -> str:
    if _TOKEN.fullmatch(text) is None or text == ANY:
        raise ValueError(f"{text!r} is no single name; what is allowed is listed one by one")
    return text


Origin = Annotated[str, AfterValidator(_origin)]
Token = Annotated[str, AfterValidator(_token)]


class Off(BaseModel):
    """No frame: scripts of other origins send requests but read no answer, and preflights fail."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class Listed(BaseModel):
    """Answers are marked for the listed origins alone; a preflight for anything else is refused with a problem."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["listed"] = "listed"
    origins: Annotated[
        tuple[Origin, ...], Field(min_length=1, description="Compared to the byte; * alone, without credentials: all")
    ]
    methods: Annotated[
        tuple[Token, ...], Field(min_length=1, description="What a preflight may ask for, in the case as sent")
    ] = ("GET", "POST")
    headers: Annotated[tuple[Token, ...], Field(description="Fields that a script may set")] = ("Content-Type",)
    exposed: Annotated[tuple[Token, ...], Field(description="Fields that a script may read")] = (
        "X-Request-ID",
        "Retry-After",
    )
    credentials: bool = Field(default=False, description="Whether cookies and the like may come along")
    max_age_s: int = Field(default=86_400, ge=0, le=30 * 86_400, description="How long a browser may keep a preflight")

    @model_validator(mode="after")
    def _never_all_with_credentials(self) -> Self:
        if ANY in self.origins and len(self.origins) > 1:
            raise ValueError("origins must be * alone, or a list without it")
        if ANY in self.origins and self.credentials:
            raise ValueError("* with credentials would let every site act for its visitors; list the origins")
        return self


Setting = Annotated[Off | Listed, Field(discriminator="kind")]
DEFAULT = Off()
"""The service is asked by programs: only those who serve browsers turn it on."""


def _listed(chosen: Listed, _: Emit) -> Middleware:
    from targets.service.middleware.cors import CorsMiddleware  # noqa: PLC0415  (off pays nothing)

    return Middleware(
        CorsMiddleware,
        origins=None if ANY in chosen.origins else frozenset(chosen.origins),
        methods=chosen.methods,
        headers=chosen.headers,
        exposed=chosen.exposed,
        credentials=chosen.credentials,
        max_age_s=chosen.max_age_s,
    )


BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {Listed: _listed}
