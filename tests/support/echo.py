"""A TCP server that sends back what it gets, counts it, and closes where it is told to; and a client of it."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

BYE = b"bye\n"
PATIENCE_S = 20.0


class Echo(socketserver.ThreadingTCPServer):
    """Counts the bytes that came."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128
    arrived = 0


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while data := self.request.recv(65536):
                self.server.arrived += len(data)
                if data == BYE:
                    return
                self.request.sendall(data)


@contextlib.contextmanager
def echoing() -> Iterator[Echo]:
    """Run one on a free port; ``server_address`` says where."""
    with Echo(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()


def opened(port: int) -> socket.socket:
    """A connection that sends each piece at once."""
    link = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


class Answer:
    """What came back: the pieces, how it ended (whole, eof, rst, nothing), and after how long."""

    def __init__(self, pieces: list[bytes], end: str, took_s: float) -> None:
        """Keep them."""
        self.pieces, self.end, self.took_s = pieces, end, took_s
        self.data = b"".join(pieces)


def asked(link: socket.socket, data: bytes, wanted: int | None = None, patience_s: float = PATIENCE_S) -> Answer:
    """Send ``data`` and read until as many bytes came back, the connection ended, or patience did."""
    wanted = len(data) if wanted is None else wanted
    pieces: list[bytes] = []
    began = time.monotonic()
    link.settimeout(patience_s)
    end = "whole"
    try:
        link.sendall(data)
        while sum(map(len, pieces)) < wanted:
            piece = link.recv(65536)
            if not piece:
                end = "eof"
                break
            pieces.append(piece)
    except TimeoutError:
        end = "nothing"
    except OSError:
        end = "rst"
    return Answer(pieces, end, time.monotonic() - began)
