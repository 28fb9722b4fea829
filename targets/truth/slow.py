"""A raw ASGI application whose answers take as long as they are told: what a shutdown has to deal with.

GET /quick                     answers at once
GET /slow?ms=800               answers after so many ms
GET /stream?ms=2000&gap_ms=50  sends a chunk, then one after each gap until the time is over, then the chunk ``end``;
                               ms=0: without an end
POST /upload                   reads the whole body and answers with its size
POST /keep                     writes the body to a file of TMPDIR and removes it; 507 where the disk is full
GET /health/ready              answers at once; 503 while it drains

LEDGER_DIR, where set, names the folder of the ledger (see ``targets.truth.ledger``).  DRAIN_S, where set, is how long
it serves on after SIGTERM before the server sees it (``targets.truth.draining``).  A stream ends where its client has
gone; a slow answer does not look, as handlers do not.
"""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
import time
from collections.abc import Mapping
from urllib.parse import parse_qs

from targets.truth.draining import READY, draining
from targets.truth.ledger import opened
from targets.truth.noting import App, Receive, Scope, Send, noted

STEP_S = 0.01
"""A slow answer sleeps in steps of 10 ms: a cancellation between two of them is seen at the next."""

MS_MAX = 600_000
"""Longest time that may be asked for: an answer nobody can wait for is a typing error."""

END = b"end"
"""Last chunk of a whole stream."""


class _AskedWrongError(ValueError):
    """The query cannot be; the text is the answer's."""


def create_app(environment: Mapping[str, str]) -> App:
    """Build the application, with its ledger where LEDGER_DIR is set and its drain where DRAIN_S is.

    ValueError where DRAIN_S is no number.
    """
    ledger = opened(environment)
    drain_s = float(environment.get("DRAIN_S", "0"))

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        if ledger is None:
            await _serve(scope, receive, send)
        else:
            await noted(_serve, ledger, scope, receive, send)

    return draining(noting, drain_s) if drain_s else noting


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http":
        try:
            await _ROUTES.get(scope["path"], _missing)(scope, receive, send)
        except _AskedWrongError as error:
            await _answer(send, 400, str(error).encode())


async def _quick(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _answer(send, 200, b"quick")


async def _slow(scope: Scope, _receive: Receive, send: Send) -> None:
    await _pass(_asked_s(scope, "ms", 800))
    await _answer(send, 200, b"slow")


async def _stream(scope: Scope, receive: Receive, send: Send) -> None:
    lasts_s, gap_s = _asked_s(scope, "ms", 2000), max(0.001, _asked_s(scope, "gap_ms", 50))
    end_s = time.monotonic() + lasts_s if lasts_s else None
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        number = 0
        while not gone.done():
            await send({"type": "http.response.body", "body": b"chunk %d;" % number, "more_body": True})
            number += 1
            left_s = gap_s if end_s is None else min(gap_s, end_s - time.monotonic())
            if left_s <= 0:
                await send({"type": "http.response.body", "body": END})
                return
            await asyncio.wait({gone}, timeout=left_s)
    finally:
        gone.cancel()


async def _upload(_scope: Scope, receive: Receive, send: Send) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await _answer(send, 200, b"%d" % size)


async def _keep(_scope: Scope, receive: Receive, send: Send) -> None:
    try:
        # A small file in the page cache: no thread is worth it.
        with tempfile.TemporaryFile(dir=os.environ.get("TMPDIR")) as file:
            more = True
            while more:
                message = await receive()
                file.write(message.get("body", b""))
                more = message.get("more_body", False)
            file.flush()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        await _answer(send, 507, b"full")
        return
    await _answer(send, 200, b"kept")


async def _missing(_scope: Scope, _receive: Receive, send: Send) -> None:
    await _answer(send, 404, b"missing")


_ROUTES: Mapping[str, App] = {
    "/quick": _quick,
    "/slow": _slow,
    "/stream": _stream,
    "/upload": _upload,
    "/keep": _keep,
    READY: _quick,
}


async def _pass(lasts_s: float) -> None:
    end_s = time.monotonic() + lasts_s
    while (left_s := end_s - time.monotonic()) > 0:  # noqa: ASYNC110  (a clock and a process set no event)
        await asyncio.sleep(min(STEP_S, left_s))


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _asked_s(scope: Scope, name: str, otherwise_ms: int) -> float:
    asked = parse_qs(scope["query_string"].decode("ascii", "replace")).get(name, [str(otherwise_ms)])[0]
    if not asked.isascii() or not asked.isdigit() or len(asked) > len(str(MS_MAX)) or int(asked) > MS_MAX:
        raise _AskedWrongError(f"{name} must be a whole number up to {MS_MAX}")
    return int(asked) / 1000


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


app = create_app(os.environ)
"""Servers look the application up by this name; it is built here because a path must lead to it."""
