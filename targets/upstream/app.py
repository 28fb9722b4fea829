"""A raw ASGI application that stands behind the reference service: ``python -m uvicorn targets.upstream.app:app``.

``GET /quote/{id}``     a small JSON document after a turn and a service time, or what ``/control`` says
``POST /control``       JSON with fields of ``Behaviour``: what is named changes from the next request on
``GET /ledger``         exact counts of the answering process; ``POST /ledger/reset`` begins anew
``GET /health``         answers at once

Only quotes are counted.  Each field of ``Behaviour`` can be set at the start too: UPSTREAM_WORK_MS, UPSTREAM_CAPACITY,
UPSTREAM_ABANDON=1 and so on.  A request may say how long it is waited for (X-Timeout-Ms, in ms from its arrival) and
the number of its attempt (X-Attempt).  Capacity is ``capacity`` ÷ ``work_ms``; what comes beyond it waits, and by
default is worked on even after its client has gone: the overload feeds itself (Bronson et al., Metastable failures in
distributed systems, HotOS 2021).
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, NamedTuple

from msgspec.structs import asdict

from targets.upstream.behaviour import Behaviour, changed, fate, read_behaviour
from targets.upstream.gate import Gate
from targets.upstream.ledger import Ledger

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_MAX_BYTES = 64 * 1024
RETRY_AFTER = (b"retry-after", b"1")
"""Whole seconds (RFC 9110, section 10.2.3): one is the least that says anything."""


class Answer(NamedTuple):
    """Status, body and headers beyond the usual two."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Upstream:
    """One process's state: what to do, whose turn it is, and what was done."""

    def __init__(self, behaviour: Behaviour) -> None:
        """Start with an empty ledger."""
        self.behaviour = behaviour
        self.gate = Gate(behaviour.capacity)
        self.ledger = Ledger()
        self._number = 0

    def change(self, changes: Mapping[str, Any]) -> None:
        """Behave otherwise from the next request on, which gets the number 0; ValueError names what cannot be."""
        self.behaviour = changed(self.behaviour, changes)
        self.gate.widen(self.behaviour.capacity)
        self._number = 0

    def reset(self) -> None:
        """Begin a new ledger; requests under way are entered in it when they end."""
        self.ledger = Ledger(here=self.ledger.here)

    async def quote(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one quote, or learn that nobody waits for it."""
        behaviour, number, ends_s = self.behaviour, self._number, self._note(scope)
        self._number += 1
        gone = asyncio.ensure_future(_gone(receive))
        try:
            answer = await self._decided(behaviour, number, ends_s, gone, scope["path"])
            # A client's leaving is known a turn of the loop after its connection is.
            await asyncio.sleep(0)
            if answer is None or gone.done():
                self.ledger.abandoned += 1
                return
            self.ledger.answered[answer.status] += 1
            await respond(send, answer)
        finally:
            self.ledger.here -= 1
            gone.cancel()

    def _note(self, scope: Scope) -> float | None:
        """Enter a request in the ledger; gives the moment at which its time is up."""
        self.ledger.arrived += 1
        self.ledger.here += 1
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name.startswith((b"x-", b"tr"))
        }
        self.ledger.attempts[headers.get("x-attempt", "none")] += 1
        self.ledger.versions[scope["http_version"]] += 1
        self.ledger.requests.update({headers["x-request-id"]} if "x-request-id" in headers else ())
        self.ledger.traces.update({headers["traceparent"]} if "traceparent" in headers else ())
        if scope.get("client") is not None:
            self.ledger.clients.add(tuple(scope["client"]))
        left_ms = headers.get("x-timeout-ms", "")
        return time.monotonic() + int(left_ms) / 1e3 if left_ms.isascii() and left_ms.isdigit() else None

    async def _decided(
        self, behaviour: Behaviour, number: int, ends_s: float | None, gone: asyncio.Future[None], path: str
    ) -> Answer | None:
        """Do what becomes of this request; None where it ends with its client."""
        decided = fate(behaviour, number)
        failure = Answer(behaviour.fail_status, b'{"message":"it failed as it was told to"}')
        if decided == "hang":
            await gone
            return None
        if decided == "fail" and not behaviour.fail_after_work:
            return failure
        if behaviour.queue_max is not None and self.gate.full and self.gate.waiting >= behaviour.queue_max:
            self.ledger.shed += 1
            return Answer(503, b'{"message":"too many wait"}', (RETRY_AFTER,))
        # Asked for here and now: who comes next must find it in the queue.
        turn = self.gate.ask()
        self.ledger.waiting_max = max(self.ledger.waiting_max, self.gate.waiting)
        work = asyncio.ensure_future(self._worked(behaviour, ends_s, turn))
        if behaviour.abandon:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                return None
        if not await work:
            return Answer(504, b'{"message":"its time was up before its turn"}')
        return failure if decided == "fail" else Answer(200, quote_of(path))

    async def _worked(self, behaviour: Behaviour, ends_s: float | None, turn: asyncio.Future[None]) -> bool:
        """Take a turn and work; False where that would have been for nothing."""
        await self.gate.enter(turn)
        try:
            self.ledger.busy_max = max(self.ledger.busy_max, self.gate.inside)
            if behaviour.deadlines and ends_s is not None and time.monotonic() >= ends_s:
                self.ledger.expired += 1
                return False
            # What holds when its turn comes: one that waited through a slow time is not slow itself.
            await asyncio.sleep(self.behaviour.work_ms / 1e3)
            self.ledger.worked += 1
            self.ledger.completed_late += ends_s is not None and time.monotonic() > ends_s
            return True
        finally:
            self.gate.leave()


def create_app(environment: Mapping[str, str]) -> App:
    """Build the application for one environment; ValueError if an UPSTREAM_ variable is wrong."""
    upstream = Upstream(read_behaviour(environment))

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http" and scope["path"].startswith("/quote/"):
            await upstream.quote(scope, receive, send)
        elif scope["type"] == "http":
            await respond(send, await _administered(upstream, scope["method"], scope["path"], receive))

    return serve


def quote_of(path: str) -> bytes:
    """Give the quote that a path names: the same each time."""
    number = path.rpartition("/")[2]
    quote_id = int(number) if number.isascii() and number.isdigit() else 0
    return b'{"id":%d,"price":"%d.%02d","currency":"EUR"}' % (quote_id, 1 + quote_id % 1000, quote_id % 100)


async def _administered(upstream: Upstream, method: str, path: str, receive: Receive) -> Answer:
    answer = Answer(404, b'{"message":"there is nothing here"}')
    if (method, path) == ("GET", "/health"):
        answer = Answer(200, b'{"status":"ok"}')
    elif (method, path) == ("GET", "/ledger"):
        answer = _ledger(upstream)
    elif (method, path) == ("POST", "/ledger/reset"):
        upstream.reset()
        answer = _ledger(upstream)
    elif (method, path) == ("POST", "/control"):
        answer = await _control(upstream, receive)
    return answer


def _ledger(upstream: Upstream) -> Answer:
    report = {
        **upstream.ledger.report(),
        "busy": upstream.gate.inside,
        "waiting": upstream.gate.waiting,
        "pid": os.getpid(),
        "behaviour": asdict(upstream.behaviour),
    }
    return Answer(200, json.dumps(report).encode())


async def _control(upstream: Upstream, receive: Receive) -> Answer:
    body, more = b"", True
    while more and len(body) <= BODY_MAX_BYTES:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    try:
        changes = json.loads(body)
        if not isinstance(changes, dict):
            raise ValueError("the body must be an object")  # noqa: TRY004, TRY301  (answered with the others below)
        upstream.change(changes)
    except ValueError as error:
        return Answer(400, json.dumps({"message": str(error)}).encode())
    return _ledger(upstream)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def respond(send: Send, answer: Answer) -> None:
    """Send an answer."""
    length = str(len(answer.body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length), *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


app = create_app(os.environ)
"""Servers look the application up by this name; it is built here because a path must lead to it."""
