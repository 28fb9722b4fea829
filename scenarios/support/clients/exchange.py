"""One request on one connection: sent in its pieces, answered or not, and never repeated."""

from __future__ import annotations

import _socket
import errno

import gevent
from gevent.socket import wait_read, wait_write

from ..recorder import EOF, ERRORS
from ..wire.connection import RECEIVE, Connection
from ..wire.parser import UNTIL_CLOSE, Parser
from .script import Script

BROKEN = frozenset({errno.EPIPE, errno.ECONNRESET})
"""What a send meets on a connection that the peer has ended; its answer may have come before."""


def exchange(one: Connection, script: Script, first: bytes, parser: Parser, *, looks: bool) -> None:
    """Send ``first`` (the script's, labelled) and the rest, and feed the answer to ``parser`` until it is whole.

    A connection that cannot be used again is closed.  With ``looks`` the client looks at a connection on which it has
    been silent before it sends its first byte, and opens another one where the server has ended it.

    :raises OSError: refused, reset, or a time-out that the caller set.
    :raises EOFError: the server closed before its answer was whole.
    :raises ProtocolError: the answer is no HTTP.
    """
    if one.sock is None:
        _connect(one)
    if script.before_s:
        gevent.sleep(script.before_s)
        if looks and ended(one):
            one.close()
            _connect(one)
    broken = _send(one, first)
    if script.rest:
        gevent.sleep(script.between_s)
        broken = broken or _send(one, script.rest)
    _receive(one, parser, broken, framed=script.framed)
    if broken is not None or parser.head is None or not parser.head.keep_alive:
        one.close()


def ended(one: Connection) -> bool:
    """Say whether the server has closed, reset or spoken on a connection that waits for nothing."""
    try:
        one.sock.recv(1, _socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _connect(one: Connection) -> None:
    one.open()
    wait_write(one.fd)
    code = one.sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
    if code:
        raise OSError(code, f"connect to {one.address}: {errno.errorcode.get(code, code)}")


def _send(one: Connection, wire: bytes) -> OSError | None:
    """Send all bytes; give the error of a connection that the peer has ended."""
    rest = memoryview(wire)
    while rest:
        try:
            rest = rest[one.send(rest) :]
        except BlockingIOError:
            wait_write(one.fd)
        except OSError as error:
            if error.errno not in BROKEN:
                raise
            return error
    return None


def _receive(one: Connection, parser: Parser, broken: OSError | None, *, framed: bool) -> None:
    while not parser.done:
        try:
            data = one.recv(RECEIVE)
        except BlockingIOError:
            wait_read(one.fd)
            continue
        if data:
            parser.feed(data)
            continue
        cut = framed and parser.head is not None and parser.head.length == UNTIL_CLOSE
        if cut or not parser.eof():
            raise broken or EOFError(ERRORS[EOF])
