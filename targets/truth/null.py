"""The cheapest HTTP server that Python can be: a constant answer, the floor of the rig.

``python -m targets.truth.null --port P``: understands GET only; each blank line is taken as the end of one
request.  What the instrument measures against it is the instrument's own cost.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

import uvloop

_END = b"\r\n\r\n"
_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'


class Null(asyncio.Protocol):
    """One connection: an answer for every request head, nothing parsed."""

    __slots__ = ("_rest", "_transport")

    def __init__(self) -> None:
        """Start with nothing received."""
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # Not isinstance(): uvloop's transports do not derive from asyncio's.
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Answer the requests that end in this piece; keep what follows the last end."""
        if self._rest or not data.endswith(_END):
            data = self._rest + data
            self._rest = data.rpartition(_END)[2]
        if self._transport is not None:
            self._transport.write(_ANSWER * data.count(_END))


async def serve(host: str, port: int) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Null, host, port)
    async with server:
        await server.serve_forever()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="Answer every GET with the same bytes.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args(arguments)
    uvloop.run(serve(options.host, options.port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
