"""A raw ASGI application that crashes its process on demand, as a broken C extension would.

GET /quick    answers at once
GET /segv     reads from address 0, in the thread of the event loop
GET /thread   reads from address 0 in another thread, where frameworks run handlers that are no coroutines
GET /abort    calls abort(), as the C library does where its memory is corrupt

``reckless_read`` and ``reckless_abort`` are where it happens: a traceback must name them and their lines.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def reckless_read() -> None:
    """Let C read from the null pointer: SIGSEGV."""
    ctypes.string_at(0)


def reckless_abort() -> None:
    """End as the C library ends a process that it no longer trusts: SIGABRT."""
    os.abort()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request, or the lifespan."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    match scope["path"]:
        case "/segv":
            reckless_read()
        case "/thread":
            await asyncio.to_thread(reckless_read)
        case "/abort":
            reckless_abort()
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"quick"})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
