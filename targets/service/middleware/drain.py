"""While the process drains: not ready, and each answer asks its client to leave."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from targets.service.problems import problem_response

READY = "/health/ready"


class DrainMiddleware:
    """Answers readiness itself, before anything that might have kept an older answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap the application; the drain is in the lifespan's state."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; while draining with ``Connection: close`` (RFC 9112, 9.6) on the way back."""
        # Granian empties the state before the last requests have ended.
        drain = scope["state"].get("drain") if scope["type"] == "http" else None
        if drain is None or not drain.leaving:
            await self.app(scope, receive, send)
            return

        async def send_and_part(message: Message) -> None:
            # HTTP/2 has no such field (RFC 9113, 8.2.2).
            if message["type"] == "http.response.start" and scope.get("http_version", "1.1") < "2":
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        if scope["path"] == READY:
            detail = "The process is about to stop; it still answers requests."
            await problem_response(READY, 503, "draining", detail)(scope, receive, send_and_part)
        else:
            await self.app(scope, receive, send_and_part)
