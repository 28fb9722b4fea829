"""Connections over raw sockets that gevent has not patched."""

from __future__ import annotations

import _socket
import errno
from collections.abc import Generator
from typing import Any

from ..recorder import EOF, PROTOCOL, REFUSED, RST, TIMEOUT
from ..trial import Arm
from .parser import Parser, ProtocolError
from .request import Request, Response

Flow = Generator[Request, Response, None]
"""A scenario: yields requests and receives their responses."""

RECEIVE = 16_384
"""Bytes asked for at once: enough for most answers, and small enough that the allocation stays cheap."""

ERROR_OF_ERRNO = {
    errno.ECONNREFUSED: REFUSED,
    errno.EHOSTUNREACH: REFUSED,
    errno.ENETUNREACH: REFUSED,
    errno.ECONNRESET: RST,
    errno.ECONNABORTED: RST,
    errno.EPIPE: RST,  # The peer's RST came before our write.
    errno.ETIMEDOUT: TIMEOUT,
}


class Connection:
    """One connection to one arm and the request that is on it; reused, socket by socket, after a failure."""

    __slots__ = (
        "address",
        "bodyless",
        "busy",
        "due",
        "entry",
        "expect",
        "family",
        "fd",
        "flow",
        "logical",
        "name",
        "out",
        "parser",
        "phase",
        "recv",
        "registered",
        "rest_ns",
        "send",
        "slice",
        "sock",
        "start",
        "waiting",
    )

    def __init__(self, entry: int, family: int, address: Any) -> None:
        self.entry = entry
        self.family = family
        self.address = address
        self.sock: Any = None
        self.fd = -1
        self.recv: Any = None
        self.send: Any = None
        self.registered = False
        self.busy = False
        self.waiting: Request | None = None
        """The flow's next request, not sent yet."""
        self.bodyless = False
        self.parser: Parser | None = None
        self.out: memoryview | None = None
        self.flow: Flow | None = None
        self.expect: frozenset[int] = frozenset()
        self.due = self.start = self.logical = self.slice = self.name = self.phase = self.rest_ns = 0

    def step(self, response: Response) -> None:
        """Hand a response to the flow and keep its next request; both are None where it has ended."""
        if self.flow is None:
            return
        try:
            self.waiting = self.flow.send(response)
        except StopIteration:
            self.flow = self.waiting = None

    def open(self) -> None:
        """Begin to connect, without waiting.

        :raises ConnectionError: the peer refused at once.
        :raises OSError: this machine has no socket or local port left.
        """
        sock = _socket.socket(self.family, _socket.SOCK_STREAM)
        sock.setblocking(False)  # noqa: FBT003  (the socket module's own signature)
        sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        code = sock.connect_ex(self.address)
        if code not in {0, errno.EINPROGRESS}:
            sock.close()
            raise OSError(code, f"connect to {self.address}: {errno.errorcode.get(code, code)}")
        self.sock, self.fd, self.recv, self.send = sock, sock.fileno(), sock.recv, sock.send

    def close(self) -> None:
        """Close the socket, if any."""
        if self.sock is not None:
            self.sock.close()  # The kernel takes a closed descriptor out of epoll.
        self.sock, self.fd, self.recv, self.send = None, -1, None, None
        self.registered = False
        self.parser = self.out = None


def address_of(arm: Arm) -> tuple[int, Any]:
    """Resolve an arm's name once, before the load; raises OSError where it has no address."""
    found = _socket.getaddrinfo(arm.host, arm.port, 0, _socket.SOCK_STREAM)
    family, _, _, _, address = found[0]
    return family, address


def error_of(error: Exception) -> int:
    """Class of a failure; raises the failure itself where it is this machine's and not the peer's."""
    if isinstance(error, ProtocolError):
        return PROTOCOL
    if isinstance(error, EOFError):
        return EOF
    if isinstance(error, OSError) and error.errno in ERROR_OF_ERRNO:
        return ERROR_OF_ERRNO[error.errno]
    raise error
