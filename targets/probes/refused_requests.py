"""Requests that a server refuses by itself, before any application sees them, sent as bytes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from targets.orchestrator.fetching import HOST

ANSWER_S = 1.0
"""A server that has not answered a bad request by then waits for more of it, and never will."""
LONG = 200_000
"""Beyond the limits of all servers for a line or a field (8 to 64 KB)."""


class Refused(NamedTuple):
    """What is sent, and the path that it names."""

    sent: bytes
    path: str = "/ping"


class Found(NamedTuple):
    """What came back; status 0 where nothing did."""

    status: int
    media_type: str | None
    body: bytes


def _get(path: str = "/ping", version: str = "HTTP/1.1", fields: bytes = b"Host: service\r\n") -> bytes:
    return f"GET {path} {version}\r\n".encode() + fields + b"Connection: close\r\n\r\n"


REQUESTS: Mapping[str, Refused] = MappingProxyType(
    {
        "no request line": Refused(b"this is no request\r\n\r\n"),
        "unknown version": Refused(_get(version="HTTP/9.9")),
        "field without a colon": Refused(_get(fields=b"Host: service\r\nnonsense\r\n")),
        "blank before the colon": Refused(_get(fields=b"Host: service\r\nX-A : b\r\n")),
        "length that is no number": Refused(_get(fields=b"Host: service\r\nContent-Length: many\r\n")),
        "two lengths": Refused(_get(fields=b"Host: service\r\nContent-Length: 1\r\nContent-Length: 2\r\n")),
        "bad chunk": Refused(
            b"POST /api/v1/items HTTP/1.1\r\nHost: service\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            "/api/v1/items",
        ),
        "field too long": Refused(_get(fields=b"Host: service\r\nX-Long: " + b"a" * LONG + b"\r\n")),
        "path too long": Refused(_get("/" + "a" * LONG), "/" + "a" * LONG),
    }
)


async def exchanged(port: int, sent: bytes) -> Found:
    """Send the bytes to a server of loopback and give what it answers, or that it does not."""
    reader, writer = await asyncio.open_connection(HOST, port)
    raw = bytearray()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            writer.write(sent)
            while data := await reader.read(65_536):
                raw += data
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return _read(bytes(raw))


def _read(raw: bytes) -> Found:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    parts = first.split(b" ", 2)
    if len(parts) < 2 or not parts[1].isdigit():  # noqa: PLR2004  (version and status)
        return Found(0, None, raw)
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    media_type = fields.get(b"content-type")
    return Found(int(parts[1]), None if media_type is None else media_type.decode("latin-1"), body)
