"""The reference service behind CORS as it is often got wrong: twins, which a probe must catch."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targets.service.main import create_app

SHOP = b"https://shop.example"
EVERYTHING = b"GET, HEAD, POST, PUT, PATCH, DELETE"

Mark = Callable[[bytes], bytes | None]
"""From an Origin to Access-Control-Allow-Origin, or None."""


class _Careless:
    """Marks answers by one function, with credentials and without Vary, and lets every preflight pass."""

    def __init__(self, app: ASGIApp, mark: Mark, methods: bytes = EVERYTHING) -> None:
        self.app, self._mark, self._methods = app, mark, methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = next((value for name, value in scope.get("headers", ()) if name == b"origin"), None)
        mark = None if origin is None else self._mark(origin)
        if scope["type"] != "http" or mark is None:
            await self.app(scope, receive, send)
            return
        marks = [(b"access-control-allow-origin", mark), (b"access-control-allow-credentials", b"true")]
        if scope["method"] == "OPTIONS":
            asked = [(b"access-control-allow-methods", self._methods), (b"access-control-allow-headers", _asked(scope))]
            await send({"type": "http.response.start", "status": 204, "headers": [*marks, *asked]})
            await send({"type": "http.response.body"})
            return

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *marks]
            await send(message)

        await self.app(scope, receive, send_marked)


def create_reflecting() -> FastAPI:
    """Build what gives every origin back."""
    return _behind(lambda origin: origin)


def create_suffix() -> FastAPI:
    """Build what looks at an origin's end only."""
    return _behind(lambda origin: origin if origin.endswith(b"shop.example") else None)


def create_wildcard() -> FastAPI:
    """Build what sends ``*`` together with credentials."""
    return _behind(lambda _: b"*")


def create_lenient() -> FastAPI:
    """Build what knows its origins and lists GET alone, but answers no preflight with an error."""
    return _behind(lambda origin: origin if origin == SHOP else None, b"GET")


def _behind(mark: Mark, methods: bytes = EVERYTHING) -> FastAPI:
    app = create_app()
    app.add_middleware(_Careless, mark=mark, methods=methods)
    return app


def _asked(scope: Scope) -> bytes:
    return b", ".join(value for name, value in scope["headers"] if name == b"access-control-request-headers")
