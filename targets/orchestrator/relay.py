"""A relay whose connections can be stalled (bytes wait) or cut (they end, and new ones are refused)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

HOST = "127.0.0.1"


class Relay:
    """Stands before one address, in the event loop that opened it."""

    def __init__(self, host: str, port: int) -> None:
        """Keep where the connections lead."""
        self._there = host, port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    def stall(self) -> None:
        """Hold every byte back, in both directions; connections are still accepted."""
        self._flowing.clear()

    def resume(self) -> None:
        """Let the bytes go, those that waited first."""
        self._flowing.set()

    def cut(self) -> None:
        """End all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()

    async def mend(self) -> None:
        """Accept connections, at the same port as before."""
        self._server = await asyncio.start_server(self._join, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._there)
        except OSError:
            self._drop(writer)
            return
        self._writers.add(far_writer)
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._drop(writer)
            self._drop(far_writer)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
        sink.close()

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        self._writers.discard(writer)


@contextlib.asynccontextmanager
async def relayed(url: str) -> AsyncIterator[tuple[Relay, str]]:
    """Give a relay to the URL's host and port, and the URL that leads through it."""
    parts = urlsplit(url)
    relay = Relay(parts.hostname or HOST, parts.port or 0)
    await relay.mend()
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    try:
        yield relay, parts._replace(netloc=f"{user}{HOST}:{relay.port}").geturl()
    finally:
        relay.resume()
        relay.cut()
        # Aborted transports tell their protocols in the next turn.
        await asyncio.sleep(0)
