"""X-Request-ID and traceparent: read or made up, returned, and known to every log line."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targets.service.correlation import CURRENT, read_correlation


class CorrelationMiddleware:
    """Gives each request its ids."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Set the ids for the time of the request and return them in the answer's head."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = traceparent = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                request_id = value.decode("latin-1")
            elif name == b"traceparent":
                traceparent = value.decode("latin-1")
        current = read_correlation(request_id, traceparent)
        added = [(b"x-request-id", current.request_id.encode("latin-1"))]
        if current.traceparent is not None:
            added.append((b"traceparent", current.traceparent.encode("latin-1")))

        async def send_with_ids(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        token = CURRENT.set(current)
        try:
            await self.app(scope, receive, send_with_ids)
        finally:
            CURRENT.reset(token)
