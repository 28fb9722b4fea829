"""Writes into the ledger what passes an ASGI application: lifespan, arrivals, answers, ends without an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from targets.truth.ledger import ABORTED, ANSWERED, ARRIVED, STARTED, STOPPED, Ledger, identity

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LIFESPAN = {"lifespan.startup.complete": STARTED, "lifespan.shutdown.complete": STOPPED}


async def noted(app: App, ledger: Ledger, scope: Scope, receive: Receive, send: Send) -> None:
    """Call ``app`` and note what happens; websockets pass unseen.

    An answer that the server makes up where the application fails is no answer of the application: the record is
    *aborted*, whatever the client was told.
    """
    if scope["type"] == "lifespan":
        await app(scope, receive, _noting_lifespan(ledger, send))
    elif scope["type"] == "http":
        await _request(app, ledger, scope, receive, send)
    else:
        await app(scope, receive, send)


def _noting_lifespan(ledger: Ledger, send: Send) -> Send:
    async def noting(message: Message) -> None:
        event = _LIFESPAN.get(message["type"])
        if event is not None:
            ledger.note(event)
        await send(message)

    return noting


async def _request(app: App, ledger: Ledger, scope: Scope, receive: Receive, send: Send) -> None:
    logical_id, attempt = identity(scope["headers"])
    status, whole = 0, False

    async def noting(message: Message) -> None:
        nonlocal status, whole
        if message["type"] == "http.response.start":
            status = message["status"]
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if last:
            ledger.note(ANSWERED, logical_id=logical_id, attempt=attempt, status=status)
        await send(message)
        whole = whole or last

    ledger.note(ARRIVED, logical_id=logical_id, attempt=attempt)
    try:
        await app(scope, receive, noting)
    finally:
        if not whole:
            ledger.note(ABORTED, logical_id=logical_id, attempt=attempt, status=status)
