"""A frame that does nothing: the cost of a layer without the work in it."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class PassThroughMiddleware:
    """Calls the next frame."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await self.app(scope, receive, send)
