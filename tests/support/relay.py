"""A relay of the container engine's socket: what stops it is, for its users, the end of the engine."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path


class Relay:
    """Passes every byte between its own socket and the engine's, until it is cut."""

    def __init__(self, place: Path, engine: str) -> None:
        """Listen at ``place`` for the engine whose socket is at ``engine``."""
        self._engine = engine
        self._open: list[socket.socket] = []
        self._place = place
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(place))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection and take no other."""
        self._place.unlink(missing_ok=True)
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._engine)
            self._open += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def relayed(place: Path, address: str) -> Iterator[Relay]:
    """Relay the engine at ``address`` (``unix://…``) to a socket at ``place`` while the block runs."""
    relay = Relay(place, address.removeprefix("unix://"))
    try:
        yield relay
    finally:
        relay.cut()
