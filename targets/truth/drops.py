"""A stand-alone HTTP/1.1 server that drops an exact number of requests, and says which it did.

``python -m targets.truth.drops --port P --plan reset=7,cut=5,eof=3,status=4,hang=2 --seed N [--first 1000]``

reset   the connection ends with RST (SO_LINGER 0), nothing is sent
cut     Content-Length says 100, 50 bytes follow, then FIN
eof     FIN without a byte
status  a whole answer with 503
hang    no answer, and the connection stays open until the client gives up

The seed decides which of the first ``--first`` requests are hit; every other request is answered 200 on a
connection that stays open.  ``GET /truth`` is not counted and gives the numbers planned and done.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

FAILURES = ("reset", "cut", "eof", "status", "hang")

HEAD_MAX_BYTES = 64 * 1024
"""Longest request head; a longer one is a defect of the client and ends the connection."""

_OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
_HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50


@dataclass(slots=True)
class Tally:
    """What this process has done so far."""

    requests: int = 0
    done: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FAILURES, 0))


def parse_plan(text: str) -> dict[str, int]:
    """Read ``reset=7,cut=5``; a failure left out is 0.  ValueError names what is wrong."""
    plan = dict.fromkeys(FAILURES, 0)
    for part in filter(None, text.split(",")):
        name, _, number = part.partition("=")
        if name not in plan:
            raise ValueError(f"unknown failure {name!r}; choose from {', '.join(FAILURES)}")
        if not number.isascii() or not number.isdigit():
            raise ValueError(f"{name} needs a whole number, not {number!r}")
        plan[name] = int(number)
    return plan


def assign(plan: Mapping[str, int], first: int, seed: int) -> dict[int, str]:
    """Draw which of the requests 0 … first−1 meet which failure; ValueError if there are too few."""
    failures = [name for name in FAILURES for _ in range(plan[name])]
    if len(failures) > first:
        raise ValueError(f"{len(failures)} failures do not fit into the first {first} requests")
    return dict(zip(random.Random(seed).sample(range(first), len(failures)), failures, strict=True))


class Connection(asyncio.Protocol):
    """One client: answers its requests in order until a planned failure ends the connection."""

    def __init__(self, hits: Mapping[int, str], tally: Tally, truth: Callable[[], bytes]) -> None:
        """Keep the shared plan and tally; ``truth`` renders the answer of ``GET /truth``."""
        self._hits = hits
        self._tally = tally
        self._truth = truth
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request in the buffer."""
        self._buffer += data
        transport = self._transport
        while transport is not None and not transport.is_closing():
            request = self._take()
            if request is None:
                break
            self._answer(request, transport)

    def _take(self) -> bytes | None:
        """Cut one whole request (head and body) off the buffer and give its head."""
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            if len(head) > HEAD_MAX_BYTES and self._transport is not None:
                self._transport.abort()
            return None
        length = _content_length(head)
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        return head

    def _answer(self, head: bytes, transport: asyncio.Transport) -> None:
        if head.startswith(b"GET /truth "):
            transport.write(self._truth())
            return
        failure = self._hits.get(self._tally.requests)
        self._tally.requests += 1
        if failure is None:
            transport.write(_OK)
            return
        self._tally.done[failure] += 1
        _FAIL[failure](transport)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value) if value.strip().isdigit() else 0
    return 0


def _reset(transport: asyncio.Transport) -> None:
    # Linger on, for zero seconds: close() drops the connection with RST instead of FIN.
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


def _cut(transport: asyncio.Transport) -> None:
    transport.write(_HALF)
    transport.close()


def _eof(transport: asyncio.Transport) -> None:
    transport.close()


def _status(transport: asyncio.Transport) -> None:
    transport.write(_UNAVAILABLE)


def _hang(_: asyncio.Transport) -> None:
    """Do nothing: what else comes on this connection is answered, and a client with one request waits for ever."""


_FAIL: Mapping[str, Callable[[asyncio.Transport], None]] = {
    "reset": _reset,
    "cut": _cut,
    "eof": _eof,
    "status": _status,
    "hang": _hang,
}


async def serve(host: str, port: int, plan: Mapping[str, int], first: int, seed: int) -> None:
    """Serve until the process is ended."""
    hits, tally = assign(plan, first, seed), Tally()

    def truth() -> bytes:
        report = {
            "requests": tally.requests,
            "planned": dict(plan),
            "done": tally.done,
            "first": first,
            "pid": os.getpid(),
            "nonce": os.environ.get("TRUTH_NONCE"),
        }
        body = json.dumps(report).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            len(body),
            body,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(hits, tally, truth), host, port)
    async with server:
        await server.serve_forever()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve; 2 if it is wrong."""
    parser = argparse.ArgumentParser(description="Drop an exact number of requests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--plan", default="", help="reset=7,cut=5,eof=3,status=4,hang=2")
    parser.add_argument("--first", type=int, default=1000, help="failures fall among the first N requests")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        plan = parse_plan(options.plan)
        assign(plan, options.first, options.seed)
    except ValueError as error:
        parser.error(str(error))
    asyncio.run(serve(options.host, options.port, plan, options.first, options.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
