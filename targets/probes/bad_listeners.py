"""Listeners that a client must defend itself against: one that never accepts, one that never reads, one that drips."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

HOST = "127.0.0.1"
SETTLE_S = 0.05

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@contextlib.contextmanager
def full() -> Iterator[int]:
    """Give the port of a listener whose queue is full: the kernel drops what asks for a connection (Linux)."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((HOST, 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003  (the standard library's own argument)
            waiting.connect_ex(address)
        yield int(address[1])


@contextlib.contextmanager
def deaf() -> Iterator[int]:
    """Give the port of a listener that takes connections into its queue and reads nothing from them."""
    with socket.create_server((HOST, 0), backlog=128) as listener:
        yield int(listener.getsockname()[1])


@contextlib.asynccontextmanager
async def dripping(every_s: float) -> AsyncIterator[int]:
    """Give the port of a server that answers a byte at a time, until its client goes."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled at the end of the loop, at the latest: that is no failure.
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_HEAD)
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(every_s)
        writer.close()

    server = await asyncio.start_server(drip, HOST, 0)
    async with server:
        yield int(server.sockets[0].getsockname()[1])
