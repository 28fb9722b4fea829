"""The drain of the reference service for a raw ASGI application: after SIGTERM not ready, still serving, then stopped.

It is the service's own hook (``targets.service.draining``) and says the same on the way out: readiness is 503, and each
answer asks its client to leave (``Connection: close``; RFC 9112, 9.6).
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from targets.service.draining import Drain, hooked
from targets.truth.noting import App, Receive, Scope, Send

READY = "/health/ready"
LEAVE = (b"connection", b"close")


def draining(app: App, delay_s: float) -> App:
    """Give ``app`` with a drain of ``delay_s`` before the server sees SIGTERM."""
    held: list[Drain] = []

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            with hooked(delay_s) as drain:
                held.append(drain)
                await app(scope, receive, send)
        elif scope["type"] == "http" and held and held[-1].leaving:
            await _parting(app, scope, receive, send)
        else:
            await app(scope, receive, send)

    return served


async def _parting(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    async def send_and_part(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), LEAVE]}
        await send(message)

    if scope["path"] == READY:
        await send_and_part({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
    else:
        await app(scope, receive, send_and_part)
