"""Logging: off (failures still reach stderr), the standard library, or structlog; two lines a request."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.middleware import Middleware

from targets.service.log import Emit, emit_warnings_to_stderr, readable, stamped

NAME = "logging"

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]


class Off(BaseModel):
    """No log lines but failures, no frame."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["off"] = "off"


class Stdlib(BaseModel):
    """The standard library's logging: JSON in production, readable in development."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["stdlib"] = "stdlib"
    level: Level = "INFO"


class Structlog(BaseModel):
    """structlog with orjson on bytes in production, its console with colours in development."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["structlog"] = "structlog"
    level: Level = "INFO"


Setting = Annotated[Off | Stdlib | Structlog, Field(discriminator="kind")]
DEFAULT = Off()


def _access_log(_: Stdlib | Structlog, emit: Emit) -> Middleware:
    from targets.service.middleware.access_log import AccessLogMiddleware  # noqa: PLC0415  (off pays nothing)

    return Middleware(AccessLogMiddleware, emit=emit)


def _emit_off(_: Off, __: str) -> Emit:
    return emit_warnings_to_stderr


def _emit_stdlib(setting: Stdlib, environment: str) -> Emit:
    # A logger of its own, outside the tree: the root's handlers would write each line twice.
    logger = logging.Logger("service", setting.level)  # noqa: LOG001  (see above)
    logger.addHandler(logging.StreamHandler(sys.stdout))

    def as_json(level: int, event: str, fields: Mapping[str, Any]) -> str:
        return json.dumps(stamped(level, event, fields), default=str)

    render = as_json if environment == "production" else readable

    def emit(level: int, event: str, fields: Mapping[str, Any]) -> None:
        if logger.isEnabledFor(level):
            logger.log(level, "%s", render(level, event, fields))

    return emit


def _emit_structlog(setting: Structlog, environment: str) -> Emit:
    import orjson  # noqa: PLC0415  (off pays nothing)
    import structlog  # noqa: PLC0415  (off pays nothing)

    threshold = logging.getLevelNamesMapping()[setting.level]
    if environment == "production":
        raw: Any = structlog.BytesLogger(sys.stdout.buffer)
        render: Any = structlog.processors.JSONRenderer(serializer=orjson.dumps, default=str)
    else:
        raw = structlog.PrintLogger(sys.stdout)
        render = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    logger = structlog.wrap_logger(
        raw, processors=[render], wrapper_class=structlog.make_filtering_bound_logger(threshold)
    ).bind()

    def emit(level: int, event: str, fields: Mapping[str, Any]) -> None:
        if level >= threshold:
            logger.log(level, **stamped(level, event, fields))

    return emit


BUILDERS: Mapping[type[Any], Callable[[Any, Emit], Middleware]] = {
    Stdlib: _access_log,
    Structlog: _access_log,
}

EMITTERS: Mapping[type[Any], Callable[[Any, str], Emit]] = {
    Off: _emit_off,
    Stdlib: _emit_stdlib,
    Structlog: _emit_structlog,
}
