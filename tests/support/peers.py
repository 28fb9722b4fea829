"""A peer over raw sockets that says in which order it saw what, and answers as a test tells it."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

END = b"\r\n\r\n"


class Asked(NamedTuple):
    """One whole request: who sent it, on which connection, its place there and among all (from 1)."""

    path: str
    logical_id: int
    attempt: int
    connection: int
    nth: int
    total: int


class Event(NamedTuple):
    """``connected``, ``bytes`` (a connection's first), ``head``, ``half`` (a body that is not whole), ``whole``."""

    what: str
    connection: int
    logical_id: int = -1


@dataclass
class Peer:
    """What was seen, in its order, and the connections that are open."""

    url: str
    answer: Callable[[Peer, socket.socket, Asked], bool]
    """Answers a whole request; False ends the connection."""
    events: list[Event] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    open: dict[int, socket.socket] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str, connection: int, logical_id: int = -1) -> None:
        """Keep an event behind those before it."""
        with self.lock:
            self.events.append(Event(what, connection, logical_id))

    def end_all(self) -> list[int]:
        """Close every open connection; gives their numbers."""
        with self.lock:
            ended = dict(self.open)
            self.open.clear()
        for client in ended.values():
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        return list(ended)


@contextmanager
def peer(answer: Callable[[Peer, socket.socket, Asked], bool]) -> Iterator[Peer]:
    """Serve on a free loopback port until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    it = Peer(f"http://127.0.0.1:{listener.getsockname()[1]}", answer)
    threading.Thread(target=_accept, args=(listener, it), daemon=True).start()
    try:
        yield it
    finally:
        listener.close()
        it.end_all()


def _accept(listener: socket.socket, it: Peer) -> None:
    for number in itertools.count():
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with it.lock:
            it.open[number] = client
        it.note("connected", number)
        threading.Thread(target=_serve, args=(client, number, it), daemon=True).start()


def _serve(client: socket.socket, number: int, it: Peer) -> None:
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        with client, contextlib.suppress(OSError):
            _converse(client, number, it)
    finally:
        with it.lock:
            it.open.pop(number, None)


def _converse(client: socket.socket, number: int, it: Peer) -> None:
    waiting = b""
    for nth in itertools.count(1):
        while END not in waiting:
            data = client.recv(65536)
            if not data:
                return
            if nth == 1 and not waiting:
                it.note("bytes", number)
            waiting += data
        head, _, body = waiting.partition(END)
        path = head.split(b" ", 2)[1].decode().partition("?")[0]
        fields = {k.lower(): v.strip() for k, _, v in (line.partition(b":") for line in head.split(b"\r\n")[1:])}
        logical_id, attempt = int(fields.get(b"x-logical-id", -1)), int(fields.get(b"x-attempt", 1))
        length = int(fields.get(b"content-length", 0))
        it.note("head", number, logical_id)
        if 2 * len(body) == length > 0:
            it.note("half", number, logical_id)
        while len(body) < length:
            data = client.recv(65536)
            if not data:
                return
            body += data
        it.note("whole", number, logical_id)
        with it.lock:
            asked = Asked(path, logical_id, attempt, number, nth, len(it.asked) + 1)
            it.asked.append(asked)
        if not it.answer(it, client, asked):
            return
        waiting = body[length:]
