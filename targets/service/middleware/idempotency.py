"""Idempotency keys as a pure ASGI frame: requests with a key are read whole, and answered through the keeper."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from targets.service.idempotency.answer import Answer, captured, refusal, send_answer
from targets.service.idempotency.asked import Asked, read_client, read_key
from targets.service.idempotency.faults import FIELD, Fault
from targets.service.idempotency.keeper import Keeper
from targets.service.idempotency.rules import missing
from targets.service.log import Emit
from targets.service.middleware.problem import ProblemMiddleware
from targets.service.problems import Problem

COVERED = frozenset({("POST", "/api/v1/orders")})
"""Methods and routes that take a key."""


class IdempotencyMiddleware:
    """Answers each key once; the keeper is in the state, where the lifespan put it."""

    def __init__(self, app: ASGIApp, *, required: bool, fault: Fault, emit: Emit) -> None:
        """Wrap the application; ``required``: a covered request without a key is 400."""
        self.app = app
        self._required = required
        self._fault = fault
        # What fails in the keeper itself must become a problem, too, and inside of the other frames.
        self._keyed = ProblemMiddleware(self._answer_key, emit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is not covered, or has no key and needs none."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) not in COVERED or not self._needs(scope):
            await self.app(scope, receive, send)
        else:
            await self._keyed(scope, receive, send)

    def _needs(self, scope: Scope) -> bool:
        return self._required or any(name == b"idempotency-key" for name, _ in scope["headers"])

    async def _answer_key(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            asked, body = await _read(scope, receive)
            keeper: Keeper = scope["state"]["idempotency"]
            answer = await keeper(asked, partial(self._process, scope, receive, body, asked.fault))
        except Problem as problem:
            answer = refusal(scope["path"], problem)
        await send_answer(answer, send)

    async def _process(
        self, scope: Scope, receive: Receive, body: bytes, fault: str, overlay: Mapping[str, Any]
    ) -> Answer:
        """Let the application answer, with the overlay in its state."""
        try:
            await self._fault(fault, "before_effect")
            answer = await captured(self.app, {**scope, "state": {**scope["state"], **overlay}}, body, receive)
            await self._fault(fault, "after_effect")
        except Problem as problem:
            return refusal(scope["path"], problem)
        return answer


async def _read(scope: Scope, receive: Receive) -> tuple[Asked, bytes]:
    """Read key, client and body; a 400 Problem where they are missing or unfit."""
    headers = Headers(scope=scope)
    key = read_key(headers.getlist("idempotency-key"))
    if key is None:
        raise missing()
    client = read_client(headers.get("x-client"))
    chunks: list[bytes] = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        # A client that left before its body was whole is read to here; the application refuses what is cut off.
        more = message["type"] == "http.request" and message.get("more_body", False)
    body = b"".join(chunks)
    asked = Asked(client, scope["method"], scope["path"], key, hashlib.sha256(body).digest(), headers.get(FIELD, ""))
    return asked, body
