"""What the closed and the open loop share: sockets, failures, time-outs, yields, and the slow paths.

The loops keep the common case, a whole answer with a known head, in their own bodies; everything else
comes here.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import gevent
from gevent import monkey

from ..recorder import EOF, ERRORS, FLUSH_ROWS, NONE, TIMEOUT, Live, Recorder
from ..switches import Slice
from ..trial import Trial, TrialError
from .connection import RECEIVE, Connection, Flow, address_of, error_of
from .parser import Head, Parser, ProtocolError
from .request import Request, Response

logger = logging.getLogger(__name__)

YIELD_NS = 20_000_000
"""gevent's hub gets a turn every 20 ms: Locust's own greenlets (signals, heartbeats, web UI) stay alive,
and the turns cost about 0.3 % of the loop."""

LOOK_NS = 20_000
"""An idle look at the sockets takes 1–2 µs; one of more than 20 µs lost the core and did not spin."""

SCAN_NS = 100_000_000
"""Time-outs are looked for every 100 ms: a hundredth of the default time-out, and a scan of 4,096
connections costs 0.2 ms."""

REST_NS = 10_000_000
"""In the closed model a user rests 10 ms after a failure: a port that refuses answers in 20 µs, and without
the rest one second of it would make fifty thousand failures of a single fault."""

IN, OUT, RDHUP = 0x1, 0x4, 0x2000
"""Bits of epoll(7); the select module has them only until gevent patches it."""

Fixed = tuple[bytes, int, bool, frozenset[int]]
"""A request ready for one arm: its bytes, name index, whether its answer has no body, expected statuses."""


@dataclass(slots=True)
class Session:
    """What a flow may lean on: parameters, its own seeded random, its number, and the arm's address."""

    parameters: Any
    random: Random
    number: int
    url: str


@dataclass(slots=True)
class Counts:
    """Totals of one worker, the warm-up included."""

    due: int = 0
    sent: int = 0
    completed: int = 0
    finished: int = 0
    unsent: int = 0
    unexpected: int = 0
    opened: int = 0
    spin_ns: int = 0
    errors: array[int] | None = None


After = Callable[[Connection, int, Response | None], None]
"""A loop's own step behind a finished request: the connection, when it ended, the flow's response.

A connection without a socket was closed; the counts and the row are written already."""


class Engine:
    """The state of one worker; ``after`` belongs to the loop that runs."""

    def __init__(
        self,
        trial: Trial,
        slices: tuple[Slice, ...],
        recorder: Recorder,
        live: Live,
        *,
        fixed: Sequence[Request] | None,
        flow: Callable[[Session], Flow] | None,
    ) -> None:
        self.trial, self.slices, self.recorder, self.live = trial, slices, recorder, live
        self.t0_ns = 0
        self.counts = Counts(errors=array("q", [0] * len(ERRORS)))
        self.heads: dict[bytes, Head] = {}
        self.connections: dict[int, Connection] = {}
        self.epoll = monkey.get_original("select", "epoll")()
        self.addresses = [address_of(arm) for arm in trial.arms]
        self.authorities = [arm.authority.encode() for arm in trial.arms]
        # "naive" keeps a connection that the server has closed, as clients do that do not look first.
        self.check = trial.parameters.get("stale", "check") != "naive"
        # Labelled requests are encoded one by one, which the open loop's fast path leaves to its pool.
        self.labels = bool(trial.parameters.get("logical_header"))
        if self.labels and trial.load.model != "open":
            raise TrialError("parameters.logical_header needs the open model")
        self.after: After = _nothing
        self.flow = flow
        # No two workers give a session the same number: flows may log in by it.
        self.sessions = itertools.count(trial.worker - 1, trial.workers)
        self.turns = [self._turn(entry, fixed) for entry in range(len(trial.arms))] if fixed else []
        self.scan_at = self.yield_at = 0
        self.crowded = crowded(trial.workers)
        self._idle_cpu_ns = 0

    def _turn(self, entry: int, fixed: Sequence[Request]) -> Callable[[], Fixed]:
        """Give the arm's own endless round through its requests: arms of a comparison meet the same mix.

        :raises ValueError: every request is for other arms.
        """
        arm = self.trial.arms[entry].name
        ready = [self.prepare(entry, one) for one in fixed if one.arm in {None, arm}]
        if not ready:
            raise ValueError(f"no request is for the arm {arm}")
        start = (self.trial.worker - 1) * len(ready) // self.trial.workers
        cycle: Iterator[Fixed] = itertools.cycle(ready[start:] + ready[:start])
        return cycle.__next__

    def prepare(self, entry: int, request: Request) -> Fixed:
        """Address a request to an arm."""
        expect = self.trial.expect if request.expect is None else request.expect
        name = self.recorder.name_index(request.name)
        return request.encode(self.authorities[entry]), name, request.bodyless, expect

    def new_flow(self, entry: int) -> tuple[Flow, Request]:
        """Begin a session of the scenario and take its first request.

        :raises RuntimeError: the scenario ends without a request.
        """
        if self.flow is None:
            raise RuntimeError("the scenario has neither requests nor a flow")
        number = next(self.sessions)
        trial = self.trial
        random = Random(f"session {trial.seed} {trial.worker} {number}")
        flow = self.flow(Session(trial.parameters, random, number, trial.arms[entry].url))
        first = next(flow, None)
        if first is None:
            raise RuntimeError("the flow ended before its first request")
        return flow, first

    def new_connection(self, entry: int) -> Connection:
        """Make a connection that opens its socket at its first request."""
        family, address = self.addresses[entry]
        return Connection(entry, family, address)

    # ---- sending

    def transmit(self, one: Connection, wire: bytes) -> None:
        """Send on an idle connection, opening it first where it is closed; ``start`` is set by the caller."""
        one.busy = True
        self.counts.sent += 1
        try:
            if one.sock is None:
                one.open()
                self.counts.opened += 1
                self.connections[one.fd] = one
            if not one.registered:
                self.epoll.register(one.fd, IN | RDHUP)
                one.registered = True
            try:
                sent = one.send(wire)
            except BlockingIOError:
                sent = 0
        except OSError as error:
            self.fail(one, error_of(error), time.monotonic_ns())
            return
        if sent != len(wire):
            self.keep_rest(one, wire, sent)

    def keep_rest(self, one: Connection, wire: bytes, sent: int) -> None:
        """Keep what the socket did not take, and ask epoll when it will."""
        one.out = memoryview(wire)[sent:]
        self.epoll.modify(one.fd, IN | OUT | RDHUP)

    def writable(self, one: Connection) -> None:
        """Go on with a request that the socket did not take whole; raises OSError as ``send`` does."""
        if one.out is None:
            return
        try:
            one.out = one.out[one.send(one.out) :]
        except BlockingIOError:
            return
        if not one.out:
            one.out = None
            self.epoll.modify(one.fd, IN | RDHUP)

    # ---- receiving

    def event(self, one: Connection, mask: int) -> None:
        """Take an event that is not plain readability."""
        if mask & OUT:
            try:
                self.writable(one)
            except OSError as error:
                # An answer may have come before the peer closed: read it first.  A refusal has none.
                if not mask & IN or error.errno not in {errno.EPIPE, errno.ECONNRESET}:
                    self.broken(one, error)
                    return
        if mask & ~OUT:
            self.readable(one, mask)

    def readable(self, one: Connection, mask: int) -> None:
        """Read what there is, to the end where the peer has closed."""
        while one.recv is not None:
            try:
                data = one.recv(RECEIVE)
            except BlockingIOError:
                return
            except OSError as error:
                self.broken(one, error)
                return
            self.take(one, data, time.monotonic_ns(), closing=bool(mask & ~(IN | OUT)))
            # Once the answer is whole the connection may be on its next request already: the rest waits for
            # the next event.
            if not data or not one.busy or one.parser is None:
                return

    def take(self, one: Connection, data: bytes, end_ns: int, *, closing: bool = False) -> None:
        """Feed bytes (none: EOF) to the connection's response."""
        if not one.busy:
            self.idle_event(one)
            return
        if one.parser is None:
            one.parser = Parser(self.heads, bodyless=one.bodyless, keep_body=one.flow is not None)
        parser = one.parser
        try:
            whole = parser.feed(data) if data else parser.eof()
        except ProtocolError as error:
            logger.debug("arm %d: %s", one.entry, error)
            self.fail(one, error_of(error), end_ns)
            return
        if whole and parser.head is not None:
            keep = parser.head.keep_alive and bool(data) and not (closing and self.check)
            self.complete(one, parser.head.status, parser.size, parser.block, parser.body, end_ns, keep=keep)
        elif not data:
            self.fail(one, EOF, end_ns)

    def idle_event(self, one: Connection) -> None:
        """Meet bytes or an EOF without a request: the server has done with this connection."""
        if self.check:
            self.drop(one)
        else:
            self.epoll.unregister(one.fd)  # It would report forever; the next request finds out.
            one.registered = False

    def broken(self, one: Connection, error: Exception) -> None:
        """Meet an error of the socket."""
        if one.busy:
            self.fail(one, error_of(error), time.monotonic_ns())
        else:
            self.idle_event(one)

    def drop(self, one: Connection) -> None:
        """Close the socket and forget its number."""
        self.connections.pop(one.fd, None)
        one.close()

    # ---- ends of requests

    def complete(
        self, one: Connection, status: int, size: int, block: bytes, body: bytes, end_ns: int, *, keep: bool
    ) -> None:
        """Record a whole answer and let the loop go on."""
        counts = self.counts
        counts.completed += 1
        counts.finished += 1
        if status not in one.expect:
            counts.unexpected += 1
        self._record(one, end_ns, size, status, NONE)
        one.parser = None
        one.busy = False
        if one.out is not None:
            keep = False  # The answer came before the whole request was sent: the rest would be garbage.
        if not keep:
            self.drop(one)
        self.after(one, end_ns, Response(status, block, body) if one.flow is not None else None)

    def fail(self, one: Connection, error: int, end_ns: int) -> None:
        """Record a request without a whole answer, close its connection, and let the loop go on."""
        counts = self.counts
        counts.finished += 1
        if counts.errors is not None:
            counts.errors[error] += 1
        head = one.parser.head if one.parser is not None else None
        self._record(one, end_ns, one.parser.size if one.parser else 0, head.status if head else 0, error)
        one.busy = False
        one.rest_ns = end_ns + REST_NS
        self.drop(one)
        self.after(one, end_ns, Response(0, b"", b"", ERRORS[error]) if one.flow is not None else None)

    def _record(self, one: Connection, end_ns: int, size: int, status: int, error: int) -> None:
        self.recorder.add(
            one.due, one.start, end_ns, one.logical, one.slice, size, one.name, status, error, one.entry, one.phase
        )

    # ---- housekeeping

    def give_way(self, *, again: bool) -> int:
        """Let the other workers of a crowded core go on, and say what looking took since the last such look, in ns.

        There the clock on the wall counts the others' work as well: what counts is this thread's own time.
        """
        os.sched_yield()
        now_ns = time.thread_time_ns()
        took_ns, self._idle_cpu_ns = now_ns - self._idle_cpu_ns, now_ns
        return took_ns if again else 0

    def pause(self, now_ns: int) -> int:
        """Do what is due between requests, give gevent's hub its turn, and return the time after it."""
        if now_ns >= self.scan_at:
            self.scan_at = now_ns + min(SCAN_NS, self.trial.timeout_ns // 20)
            self.expire(now_ns - self.trial.timeout_ns)
        if len(self.recorder.rows) >= FLUSH_ROWS:
            self.recorder.flush()
        self.live.update(now_ns, self.counts.spin_ns, self.counts.sent, self.counts.completed)
        gevent.sleep(0)
        after_ns = time.monotonic_ns()
        self.yield_at = after_ns + YIELD_NS
        return after_ns

    def expire(self, started_before_ns: int) -> None:
        """Fail every request that was sent before this instant and has no answer."""
        late = [one for one in self.connections.values() if one.busy and one.start <= started_before_ns]
        for one in late:
            self.fail(one, TIMEOUT, time.monotonic_ns())

    def close(self) -> None:
        """Close every socket."""
        for one in list(self.connections.values()):
            self.drop(one)
        self.epoll.close()


def crowded(workers: int) -> bool:
    """Whether a trial has more workers than this process has cores, so that they may have to share one."""
    return hasattr(os, "sched_getaffinity") and workers > len(os.sched_getaffinity(0))


def _nothing(_one: Connection, _end_ns: int, _response: Response | None) -> None:
    """Stand in for the loop's step until the loop begins."""
