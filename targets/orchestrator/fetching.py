"""One request on a connection of its own, and what became of it, by class."""

from __future__ import annotations

import asyncio
import contextlib
from typing import NamedTuple

HOST = "127.0.0.1"

OK_BELOW = 400
"""Kubernetes takes every status from 200 to 399 for success."""


class Answer(NamedTuple):
    """Status 0 and an error (refused, reset, eof, timeout) where nothing whole came back."""

    status: int
    error: str = ""

    @property
    def good(self) -> bool:
        """Whether it counts as success."""
        return not self.error and self.status < OK_BELOW

    @property
    def outcome(self) -> str:
        """Give the class: ok, the status, or the error."""
        return self.error or ("ok" if self.good else str(self.status))


async def fetch(port: int, path: str, timeout_s: float) -> Answer:
    """GET the path from a server of loopback; nothing is raised and nothing repeated."""
    try:
        async with asyncio.timeout(timeout_s):
            raw = await _exchange(port, path)
    except TimeoutError:
        return Answer(0, "timeout")
    except ConnectionRefusedError:
        return Answer(0, "refused")
    except OSError:
        return Answer(0, "reset")
    head, end, body = raw.partition(b"\r\n\r\n")
    if not end or _cut_off(head, body):
        return Answer(0, "eof")
    return Answer(int(head.split(b" ", 2)[1]))


async def _exchange(port: int, path: str) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode())
        return await reader.read(-1)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _cut_off(head: bytes, body: bytes) -> bool:
    """Tell whether the body ended before its announced end."""
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"content-length" in fields:
        return len(body) < int(fields[b"content-length"])
    return b"chunked" in fields.get(b"transfer-encoding", b"") and not body.endswith(b"0\r\n\r\n")
