"""A wire user without a trial: one connection of a plain Locust user, shown in Locust's own tables."""

from __future__ import annotations

import time
from typing import Any

import gevent
from gevent.socket import wait_read, wait_write

from ..recorder import EOF, ERRORS
from ..trial import Arm
from .connection import RECEIVE, Connection, address_of, error_of
from .parser import Head, Parser, ProtocolError
from .request import Request, Response


class PlainClient:
    """Sends one request at a time; gevent's other users run while it waits.  Never retries."""

    def __init__(self, arm: Arm, events: Any, timeout_s: float) -> None:
        self._events = events
        self._timeout_s = timeout_s
        self._authority = arm.authority.encode()
        self._heads: dict[bytes, Head] = {}
        self._one = Connection(0, *address_of(arm))

    def fetch(self, request: Request, expect: frozenset[int], context: dict[str, Any]) -> Response:
        """Send a request, tell Locust how it went, and return the answer (status 0 where there is none)."""
        parser = Parser(self._heads, bodyless=request.bodyless)
        wall, start_ns = time.time(), time.monotonic_ns()
        exception: Exception | None = None
        try:
            with gevent.Timeout(self._timeout_s, TimeoutError(f"no answer within {self._timeout_s:g} s")):
                self._exchange(request, parser)
        except (OSError, EOFError, ProtocolError) as error:
            exception = error
        end_ns = time.monotonic_ns()
        response = self._response(parser, exception)
        if exception is None and response.status not in (request.expect or expect):
            exception = UnexpectedStatusError(f"status {response.status}")
        self._events.request.fire(
            request_type=request.method,
            name=request.name.removeprefix(f"{request.method} "),
            response_time=(end_ns - start_ns) / 1e6,
            response_length=parser.size,
            response=response,
            context=context,
            exception=exception,
            start_time=wall,
            url=request.name,
        )
        return response

    def close(self) -> None:
        """Close the connection, if any."""
        self._one.close()

    def _response(self, parser: Parser, error: Exception | None) -> Response:
        if error is None and parser.head is not None:
            if not parser.head.keep_alive:
                self._one.close()
            return Response(parser.head.status, parser.block, parser.body)
        self._one.close()
        kind = "timeout" if isinstance(error, TimeoutError) else ERRORS[error_of(error or EOFError())]
        return Response(0, b"", b"", kind)

    def _exchange(self, request: Request, parser: Parser) -> None:
        one = self._one
        if one.sock is not None and self._stale():
            one.close()
        if one.sock is None:
            one.open()
        rest = memoryview(request.encode(self._authority))
        while rest:
            try:
                rest = rest[one.send(rest) :]
            except BlockingIOError:
                wait_write(one.fd)
        while not parser.done:
            try:
                data = one.recv(RECEIVE)
            except BlockingIOError:
                wait_read(one.fd)
                continue
            if not data:
                if not parser.eof():
                    raise EOFError(ERRORS[EOF])
                one.close()
                return
            parser.feed(data)

    def _stale(self) -> bool:
        """Say whether the server has closed (or spoken on) the idle connection."""
        try:
            self._one.recv(1)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


class UnexpectedStatusError(Exception):
    """The answer was whole and its status is none of the expected ones."""
