"""An ASGI application that testifies to what its server told it, so that two servers can be compared.

``GET /seen`` gives what earlier connections left behind; every other path is one behaviour.  WITNESS_LOG, where
set, names a file to which the lifespan is written.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handler = Callable[[Scope, Receive, Send], Awaitable[None]]

GAP_S = 0.05
"""Between two chunks of a stream: a server that gathers them delivers the first late."""

PATIENCE_S = 3.0
"""How long a handler waits for news of its client."""


def create_app(environment: Mapping[str, str]) -> Handler:
    """Build the witness; what it saw is kept for ``/seen``."""
    log, seen = environment.get("WITNESS_LOG"), list[str]()
    handlers: dict[str, Handler] = {
        "/scope": _scope,
        "/stream": _stream,
        "/upload": _upload,
        "/early": _early,
        "/empty": _empty,
        "/cookies": _cookies,
        "/fail": _fail,
        "/fail-late": _fail_late,
        "/short": _short,
    }

    async def witness(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(scope, receive, send, log)
        elif scope["type"] == "websocket":
            await _websocket(scope, receive, send, seen)
        elif scope["path"] == "/seen":
            await _answer(send, 200, json.dumps(seen).encode())
        elif scope["path"] == "/wait":
            await _wait(receive, send, seen)
        elif scope["path"] == "/after":
            await _after(receive, send, seen)
        else:
            await handlers.get(scope["path"], _scope)(scope, receive, send)

    return witness


async def _answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": length + (headers or [])})
    await send({"type": "http.response.body", "body": body})


async def _scope(scope: Scope, _receive: Receive, send: Send) -> None:
    told = {
        "method": scope["method"],
        "path": scope["path"],
        "raw_path": scope.get("raw_path", b"").decode("latin-1"),
        "query_string": scope["query_string"].decode("latin-1"),
        "scheme": scope["scheme"],
        "root_path": scope.get("root_path", ""),
        "http_version": scope["http_version"],
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        "state": scope.get("state", {}).get("begun"),
        "client": isinstance(scope.get("client"), tuple | list),
    }
    await _answer(send, 200, json.dumps(told).encode())


async def _stream(_request: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(5):
        await send({"type": "http.response.body", "body": f"chunk {number};".encode(), "more_body": True})
        await asyncio.sleep(GAP_S)
    await send({"type": "http.response.body", "body": b"end"})


async def _upload(_request: Scope, receive: Receive, send: Send) -> None:
    digest, size, more = hashlib.sha256(), 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        digest.update(body)
        size += len(body)
    await _answer(send, 200, json.dumps({"bytes": size, "sha256": digest.hexdigest()}).encode())


async def _early(_request: Scope, _receive: Receive, send: Send) -> None:
    await _answer(send, 413, b"too large")


async def _empty(_request: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _cookies(_request: Scope, _receive: Receive, send: Send) -> None:
    await _answer(send, 200, b"two", [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x-latin", b"caf\xe9")])


async def _fail(_request: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError("the witness fails before its answer")


async def _fail_late(_request: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})
    raise RuntimeError("the witness fails in the middle of its answer")


async def _short(_request: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
    await send({"type": "http.response.body", "body": b"four"})


async def _wait(receive: Receive, send: Send, seen: list[str]) -> None:
    """Wait for the client to go away, and remember whether the server said so."""
    await receive()
    try:
        message = await asyncio.wait_for(receive(), PATIENCE_S)
        seen.append(f"waiting: {message['type']}")
    except TimeoutError:
        seen.append("waiting: nothing")
    except asyncio.CancelledError:
        seen.append("waiting: cancelled")
        raise
    await _answer(send, 200, b"nobody reads this")


async def _after(receive: Receive, send: Send, seen: list[str]) -> None:
    """Go on behind the answer: work in the background must not be cut off."""
    await receive()
    await _answer(send, 200, b"done")
    await asyncio.sleep(GAP_S)
    seen.append("behind the answer: went on")


async def _websocket(scope: Scope, receive: Receive, send: Send, seen: list[str]) -> None:
    await receive()
    if scope["path"] == "/ws-refused":
        await send({"type": "websocket.close", "code": 4403})
        return
    protocols = scope.get("subprotocols") or [None]
    await send({"type": "websocket.accept", "subprotocol": protocols[0]})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            seen.append(f"websocket: client closed with {message.get('code')}")
            return
        if message.get("text") == "close":
            await send({"type": "websocket.close", "code": 4002, "reason": "asked for"})
            return
        if message.get("text") is not None:
            await send({"type": "websocket.send", "text": message["text"]})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


async def _lifespan(scope: Scope, receive: Receive, send: Send, log: str | None) -> None:
    while True:
        message = await receive()
        if log is not None:
            _note(log, message["type"])
        if message["type"] == "lifespan.startup":
            scope.get("state", {})["begun"] = "at start-up"
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _note(log: str, line: str) -> None:
    with Path(log).open("a") as lines:
        lines.write(f"{line}\n")


app = create_app(os.environ)
"""Servers look the application up by this name; it is built here because a path must lead to it."""
