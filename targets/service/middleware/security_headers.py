"""The standard's security headers on every answer, as a pure ASGI frame."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SecurityHeadersMiddleware:
    """Adds a fixed list of headers to the head of each answer."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        """Wrap the application; the headers are encoded once."""
        self.app = app
        self._added = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add the headers on the way back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self._added]
            await send(message)

        await self.app(scope, receive, send_with_headers)
