"""CORS as a pure ASGI frame: marks answers for listed origins and answers preflights itself.

Starlette's CORSMiddleware refuses a preflight in plain text, where every other error of the service is a problem, takes
the first of several Origin fields for the one, and sends ``Access-Control-Allow-Credentials`` to those whom it does not
admit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targets.service.problems import problem_response

Headers = list[tuple[bytes, bytes]]

_VARY_PREFLIGHT = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


class _Asked(NamedTuple):
    """What a request says of itself."""

    origin: bytes | None
    """None where there is none; empty, which no list holds, where there are several: no browser sends two."""
    method: bytes | None
    """Access-Control-Request-Method, in the same way."""
    headers: tuple[bytes, ...]
    """Access-Control-Request-Headers, in lower case."""


class CorsMiddleware:
    """Admits the listed origins, methods and fields; to all others an answer looks as it would without the frame."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        origins: Collection[str] | None,
        methods: Sequence[str],
        headers: Sequence[str],
        exposed: Sequence[str],
        credentials: bool,
        max_age_s: int,
    ) -> None:
        """Wrap the application; ``origins`` None means every origin."""
        self.app = app
        self._origins = None if origins is None else frozenset(origin.encode() for origin in origins)
        self._methods = frozenset(method.encode() for method in methods)
        self._headers = frozenset(name.lower().encode() for name in headers)
        with_credentials: Headers = [(b"access-control-allow-credentials", b"true")] if credentials else []
        expose: Headers = [(b"access-control-expose-headers", ", ".join(exposed).encode())] if exposed else []
        self._marks = [*with_credentials, *expose]
        self._grant = [
            *with_credentials,
            (b"access-control-allow-methods", ", ".join(methods).encode()),
            *([(b"access-control-allow-headers", ", ".join(headers).encode())] if headers else []),
            (b"access-control-max-age", str(max_age_s).encode()),
            (b"vary", _VARY_PREFLIGHT),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight; pass everything else on and mark what comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = _asked(scope)
        if scope["method"] == "OPTIONS" and asked.origin is not None and asked.method is not None:
            await self._preflight(scope["path"], asked)(scope, receive, send)
            return
        marks = self._marks_for(asked.origin)

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_vary([*message.get("headers", ()), *marks])
            await send(message)

        await self.app(scope, receive, send_marked)

    def _admits(self, origin: bytes) -> bool:
        return self._origins is None or origin in self._origins

    def _allowed(self, origin: bytes) -> tuple[bytes, bytes]:
        return b"access-control-allow-origin", b"*" if self._origins is None else origin

    def _marks_for(self, origin: bytes | None) -> Headers:
        return [self._allowed(origin), *self._marks] if origin is not None and self._admits(origin) else []

    def _preflight(self, path: str, asked: _Asked) -> Response:
        origin = asked.origin or b""
        if not self._admits(origin):
            return _refused(path, "cors-origin-refused", "Scripts of this origin may not use the service.")
        # Marked, so that the browser's console names the true reason.
        marked = [self._allowed(origin)]
        if asked.method not in self._methods:
            # A browser lets GET, HEAD and POST pass whatever the list says, unless the answer is an error.
            return _refused(path, "cors-method-refused", "Scripts of other origins may not use this method.", marked)
        if not self._headers.issuperset(asked.headers):
            return _refused(path, "cors-header-refused", "Scripts of other origins may not set these fields.", marked)
        response = Response(status_code=204)
        response.raw_headers = [*marked, *self._grant]
        return response


def _asked(scope: Scope) -> _Asked:
    origins: list[bytes] = []
    methods: list[bytes] = []
    headers: list[bytes] = []
    for name, value in scope["headers"]:
        if name == b"origin":
            origins.append(value)
        elif name == b"access-control-request-method":
            methods.append(value)
        elif name == b"access-control-request-headers":
            headers += [part.strip(b" \t").lower() for part in value.split(b",") if part.strip(b" \t")]
    return _Asked(_only(origins), _only(methods), tuple(headers))


def _only(values: Sequence[bytes]) -> bytes | None:
    if not values:
        return None
    return values[0] if len(values) == 1 else b""


def _refused(path: str, code: str, detail: str, marked: Sequence[tuple[bytes, bytes]] = ()) -> Response:
    response = problem_response(path, 403, code, detail)
    response.raw_headers = [*response.raw_headers, *marked, (b"vary", _VARY_PREFLIGHT)]
    return response


def _with_vary(headers: Headers) -> Headers:
    """Say that the answer depends on Origin, as caches must know also of answers without a mark."""
    named = [value for name, value in headers if name.lower() == b"vary"]
    if any(word.strip().lower() in {b"origin", b"*"} for value in named for word in value.split(b",")):
        return headers
    kept = [(name, value) for name, value in headers if name.lower() != b"vary"]
    return [*kept, (b"vary", b", ".join([*named, b"Origin"]))]
