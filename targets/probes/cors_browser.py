"""What a browser makes of an answer to a cross-origin request (the Fetch standard), over raw sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from targets.orchestrator.fetching import HOST

ANSWER_S = 3.0
SAFE_METHODS = frozenset({b"GET", b"HEAD", b"POST"})
"""A browser lets them pass whatever a preflight lists, as long as its answer is no error."""

Fields = Sequence[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """Status and fields; status 0 where the server closed without an answer."""

    status: int
    fields: Fields

    def get(self, name: bytes) -> bytes | None:
        """Give a field's value, several of one name joined; None without any."""
        found = [value for key, value in self.fields if key.lower() == name]
        return b", ".join(found) if found else None

    def varies(self) -> bool:
        """Tell whether caches learn that the answer depends on Origin."""
        return bool({b"origin", b"*"} & set(_listed(self.get(b"vary"))))


async def ask(port: int, method: str, path: str, fields: Fields) -> Answer:
    """Send one request with these fields, to the byte."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: service", b"Connection: close"]
    lines += [name + b": " + value for name, value in fields]
    raw = bytearray()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(HOST, port)
            with contextlib.closing(writer):
                writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
                while data := await reader.read(65_536):
                    raw += data
    return _read(bytes(raw))


def admits(answer: Answer, origin: bytes, *, credentials: bool) -> bool:
    """Tell whether a browser lets a script of the origin read the answer (Fetch, CORS check)."""
    allowed = answer.get(b"access-control-allow-origin")
    if allowed == b"*" and not credentials:
        return True
    return allowed == origin and (not credentials or answer.get(b"access-control-allow-credentials") == b"true")


def passes(answer: Answer, origin: bytes, method: bytes, names: Sequence[bytes], *, credentials: bool) -> bool:
    """Tell whether a browser sends the request after this answer to its preflight (Fetch, CORS-preflight fetch)."""
    if not 200 <= answer.status < 300 or not admits(answer, origin, credentials=credentials):  # noqa: PLR2004  (an ok status)
        return False
    methods = _split(answer.get(b"access-control-allow-methods"))
    headers = _listed(answer.get(b"access-control-allow-headers"))
    wild = () if credentials else (b"*",)
    method_passes = method in SAFE_METHODS or method in methods or any(one in methods for one in wild)
    return method_passes and all(name.lower() in headers or any(one in headers for one in wild) for name in names)


def preflight(origin: bytes, method: bytes, names: bytes = b"") -> Fields:
    """Give the fields of a preflight."""
    fields = [(b"Origin", origin), (b"Access-Control-Request-Method", method)]
    return [*fields, *([(b"Access-Control-Request-Headers", names)] if names else [])]


def _split(value: bytes | None) -> list[bytes]:
    return [part.strip() for part in (value or b"").split(b",") if part.strip()]


def _listed(value: bytes | None) -> list[bytes]:
    return [part.lower() for part in _split(value)]


def _read(raw: bytes) -> Answer:
    head = raw.partition(b"\r\n\r\n")[0]
    first, *lines = head.split(b"\r\n")
    parts = first.split(b" ", 2)
    if len(parts) < 2 or not parts[1].isdigit():  # noqa: PLR2004  (version and status)
        return Answer(0, ())
    pairs = (line.partition(b":") for line in lines)
    return Answer(int(parts[1]), tuple((name.strip(), value.strip()) for name, _, value in pairs))
