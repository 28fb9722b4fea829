"""Answers as bytes: captured on their way out, kept, and sent again."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Send

from targets.service.problems import Problem, problem_response

FAILED = 400
"""From this status on an answer is a failure."""

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Headers
    body: bytes

    @property
    def failed(self) -> bool:
        """Tell whether the operation is as if it had not been."""
        return self.status >= FAILED

    @property
    def content_type(self) -> str:
        """Give the Content-Type; empty where there is none."""
        return next((value.decode("latin-1") for name, value in self.headers if name == b"content-type"), "")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was kept under a key, with the digest of the body that it answered."""

    payload: bytes
    status: int
    content_type: str
    body: bytes
    expired: bool = False

    def again(self) -> Answer:
        """Give the answer again: status, type and body are equal to the byte, and a field says that it is a replay."""
        headers = (
            (b"content-length", str(len(self.body)).encode()),
            (b"content-type", self.content_type.encode("latin-1")),
            (b"idempotency-replayed", b"true"),
        )
        return Answer(self.status, headers, self.body)


async def captured(app: ASGIApp, scope: MutableMapping[str, Any], body: bytes, receive: Receive) -> Answer:
    """Let the application answer the request, whose body has been read already, and keep the answer back."""
    start: Message = {}
    chunks: list[bytes] = []
    unread = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_read() -> Message:
        return unread.pop() if unread else await receive()

    async def take(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            chunks.append(message.get("body", b""))

    await app(scope, receive_read, take)
    headers = tuple((bytes(name), bytes(value)) for name, value in start["headers"])
    return Answer(start["status"], headers, b"".join(chunks))


async def send_answer(answer: Answer, send: Send) -> None:
    """Send the answer in one piece."""
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": answer.body})


def refusal(path: str, problem: Problem) -> Answer:
    """Give a Problem as an answer."""
    response = problem_response(path, problem.status_code, problem.code, problem.detail, errors=problem.errors)
    return Answer(response.status_code, tuple(response.raw_headers), bytes(response.body))
