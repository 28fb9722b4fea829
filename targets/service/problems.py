"""Every error of the service as Problem Details (RFC 9457, the successor of RFC 7807)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from targets.service import failure
from targets.service.correlation import trace_id

MEDIA_TYPE = "application/problem+json"

TYPE_PREFIX = "tag:service.example,2026:problem/"
"""Types are tag URIs: identifiers that promise no page behind them."""


_PATH_SAFE = "/:@!$&'()*+,;=~"
"""What a path may hold as it is, besides letters, digits and ``-._`` (RFC 3986, 3.3)."""


class ErrorDetail(BaseModel):
    """One thing that is wrong with a request."""

    loc: list[str | int] = Field(description="Where: part of the request, then names and positions")
    msg: str
    type: str


class ProblemDetails(BaseModel):
    """The body of every error."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"status": 404, "code": "not-found", "title": "Not Found"}]}
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str = Field(description="Path of the request that failed")
    code: str = Field(description="The error in one word, stable over versions")
    trace_id: str = Field(description="Joins the answer to the log")
    errors: list[ErrorDetail] = Field(default_factory=list)


class Problem(HTTPException):
    """A failure that the client is told about: status, code and a sentence.

    It derives from HTTPException because FastAPI turns any other exception of a body's reader into a 400.
    """

    def __init__(self, status: int, code: str, detail: str, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        """Keep what the client is told."""
        super().__init__(status, detail)
        self.code = code
        self.errors = errors


def problem_response(
    path: str,
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """Render one problem; ``path`` is the decoded path of the request, as ASGI gives it.

    ``members`` are laid over those of every problem, as a foreign type asks for.
    """
    failure.note(code=code)
    content = {
        "type": TYPE_PREFIX + code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        # A reference to a URI (RFC 9457, 3.1.5) holds neither blanks nor letters beyond ASCII.
        "instance": quote(path, safe=_PATH_SAFE, errors="surrogatepass"),
        "code": code,
        "trace_id": trace_id(),
        "errors": list(errors),
        **(members or {}),
    }
    body = json.dumps(content, separators=(",", ":")).encode()
    return Response(body, status, dict(headers or {}), MEDIA_TYPE)


async def _http(request: Request, error: Exception) -> Response:
    """Answer a Problem, or the framework's own 404, 405 and the like."""
    if not isinstance(error, HTTPException):
        raise error
    code = getattr(error, "code", HTTPStatus(error.status_code).phrase.lower().replace(" ", "-"))
    errors = getattr(error, "errors", ())
    if error.__cause__ is not None:
        failure.note(error=type(error.__cause__).__name__)
    path = request.scope["path"]
    return problem_response(path, error.status_code, code, error.detail, errors=errors, headers=error.headers)


async def _validation(request: Request, error: Exception) -> Response:
    """Answer 422 with every error and without the client's input, which may be secret."""
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [{"loc": list(e["loc"]), "msg": e["msg"], "type": e["type"]} for e in error.errors()]
    detail = f"{len(errors)} part{'s' if len(errors) != 1 else ''} of the request cannot be accepted."
    return problem_response(request.scope["path"], 422, "validation-failed", detail, errors=errors)


def add_problem_handlers(app: FastAPI) -> None:
    """Turn every exception that FastAPI knows into a problem; ProblemMiddleware takes the others."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Give the ``responses=`` of a route for these statuses: document and wire agree."""
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
        for status in (*statuses, 500)
    }


_SCHEMA = ProblemDetails.model_json_schema(ref_template="#/components/schemas/{model}")
_SCHEMA["properties"]["errors"]["items"] = _SCHEMA.pop("$defs")["ErrorDetail"]
