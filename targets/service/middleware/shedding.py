"""At most so many requests at once; the others are turned away before they cost anything."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from targets.service.problems import problem_response

EXEMPT = ("/health", "/internal")
"""A service that is full is not dead: its orchestrator and its instruments must still reach it."""
RETRY_AFTER_S = "1"
"""The shortest that the header can say (RFC 9110, section 10.2.3)."""


class SheddingMiddleware:
    """Counts who is inside and turns away who comes when it is full."""

    def __init__(self, app: ASGIApp, in_flight_max: int) -> None:
        """Wrap the application."""
        self.app = app
        self._in_flight_max = in_flight_max
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 503."""
        if scope["type"] != "http" or scope["path"].startswith(EXEMPT):
            await self.app(scope, receive, send)
            return
        if self._in_flight >= self._in_flight_max:
            detail = "The service is full; other requests are answered first."
            refusal = problem_response(scope["path"], 503, "overloaded", detail, headers={"Retry-After": RETRY_AFTER_S})
            await refusal(scope, receive, send)
            return
        self._in_flight += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._in_flight -= 1
