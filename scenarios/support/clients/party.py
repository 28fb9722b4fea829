"""All clients of one arm: their idle connections, their habits, and what came of each request."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gevent

from ..recorder import EOF, NONE, RST, TIMEOUT
from ..trial import S_NS, Arm, TrialError
from ..wire.connection import Connection, address_of, error_of
from ..wire.parser import Head, Parser, ProtocolError
from ..wire.request import labelled
from .exchange import ended, exchange
from .mix import CAREFUL, FRESH, POLICIES, RETRY_ONCE, REUSES, Act
from .script import Script, scripts

LOOKING = frozenset({CAREFUL, RETRY_ONCE})
"""Clients that look at an idle connection before they use it again."""

END = b"end"
"""How a stream of ``targets/truth/slow.py`` ends."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt; times in ns of CLOCK_MONOTONIC, status 0 where no head came."""

    start_ns: int
    end_ns: int
    status: int
    error: int
    """Class of failure by its code in a row."""
    size: int
    stale: bool
    """A connection that had been idle ended before a byte of the answer: the request may be sent again (RFC 9110,
    9.2.2, where it is idempotent)."""
    short: bool
    """A stream that its framing calls whole without the last chunk."""


class Party:
    """The clients of one arm.

    Each policy is one client with a pool of its own, which opens as many connections as its requests need at a time.
    """

    def __init__(self, arm: Arm, entry: int, parameters: Mapping[str, Any], timeout_ns: int) -> None:
        if parameters["reuse"] not in REUSES:
            raise TrialError(f"parameters.reuse: {parameters['reuse']!r}; choose from {', '.join(sorted(REUSES))}")
        self._entry = entry
        self._family, self._address = address_of(arm)
        self._scripts = scripts(parameters, arm.authority.encode())
        self._timeout_ns = timeout_ns
        self._idle: dict[str, deque[Connection]] = {policy: deque() for policy in POLICIES}
        self._newest = parameters["reuse"] == "newest"
        self._heads: dict[bytes, Head] = {}
        self.opened = self.replaced = 0
        """Connections that were opened, and idle ones that a look found ended."""

    def attempt(self, act: Act, logical_id: int, number: int) -> Outcome:
        """Send one request; the second attempt goes on a connection of its own.

        :raises OSError: this machine has no socket or local port left.
        """
        script, start_ns = self._scripts[act.kind], time.monotonic_ns()
        one = self._idle_one(act.policy) if number == 1 and not script.before_s else None
        reused = one is not None
        if one is None:
            one = Connection(self._entry, self._family, self._address)
            self.opened += 1
        parser = Parser(self._heads, keep_body=script.framed)
        try:
            error = self._exchange(one, act, script, parser, labelled(script.first, logical_id, number))
        except BaseException:
            one.close()
            raise
        end_ns = time.monotonic_ns()
        if error or act.policy == FRESH or one.sock is None:
            one.close()
        else:
            self._idle[act.policy].append(one)
        head = parser.head
        return Outcome(
            start_ns=start_ns,
            end_ns=end_ns,
            status=head.status if head else 0,
            error=error,
            size=parser.size,
            stale=reused and error in {RST, EOF} and not parser.heard,
            short=script.framed and not error and not parser.body.endswith(END),
        )

    def retries(self, act: Act, outcome: Outcome) -> bool:
        """Say whether this client sends the request once more."""
        return act.policy == RETRY_ONCE and outcome.stale and self._scripts[act.kind].idempotent

    def close(self) -> None:
        """Close the idle connections."""
        for stack in self._idle.values():
            while stack:
                stack.pop().close()

    def _idle_one(self, policy: str) -> Connection | None:
        stack = self._idle[policy]
        while stack:
            one = stack.pop() if self._newest else stack.popleft()
            if policy not in LOOKING or not ended(one):
                return one
            one.close()
            self.replaced += 1
        return None

    def _exchange(self, one: Connection, act: Act, script: Script, parser: Parser, first: bytes) -> int:
        """Give the class of failure; 0 for a whole answer."""
        patience_s = self._timeout_ns / S_NS + script.pause_s
        try:
            with gevent.Timeout(patience_s, TimeoutError(f"no answer within {patience_s:g} s")):
                exchange(one, script, first, parser, looks=act.policy in LOOKING)
        except TimeoutError:
            return TIMEOUT
        except (OSError, EOFError, ProtocolError) as error:
            return error_of(error)
        return NONE
