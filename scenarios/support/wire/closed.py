"""The closed model: every connection sends its next request when the answer to the last has come."""

from __future__ import annotations

import time
from collections import deque

from ..recorder import FLUSH_ROWS
from ..switches import Slice
from .connection import RECEIVE, Connection
from .engine import IN, Engine
from .request import Request, Response

REST_NS = 10_000_000
"""A user rests 10 ms after a failure: a port that refuses answers in 20 µs, and without the rest one second
of it would make fifty thousand failures of a single fault."""

BATCH = 256
"""Events taken from epoll at once."""

END = b"\r\n\r\n"


class _Closed:
    """Users per arm, and until when each arm is loaded."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        users = engine.trial.load.users
        # Each worker drives its share of the arm's users; the first ones take the remainder.
        share = len(range(engine.trial.worker - 1, users, engine.trial.workers))
        self.users = [[engine.new_connection(entry) for _ in range(share)] for entry in range(len(engine.trial.arms))]
        self.until = [0] * len(engine.trial.arms)
        self.slice = self.phase = 0
        self.number = engine.trial.worker - 1
        self.resting: deque[tuple[int, Connection]] = deque()
        self.ahead = deque(engine.slices)
        self.edge_ns = 0

    def advance(self) -> None:
        """Begin the next slice: load its arms, and let the others finish what they have begun."""
        self.until = [0] * len(self.until)
        if not self.ahead:
            return
        one: Slice = self.ahead.popleft()
        t0_ns = self.engine.t0_ns
        self.slice, self.phase = one.index, int(one.phase == "measure")
        self.edge_ns = t0_ns + one.end_ns if not self.ahead else t0_ns + self.ahead[0].start_ns
        for entry in one.entries:
            self.until[entry] = t0_ns + one.quiet_ns
        for entry in one.entries:
            for user in self.users[entry]:
                self.go(user, time.monotonic_ns())

    def go(self, one: Connection, now_ns: int) -> None:
        """Send the user's next request, unless its arm is not loaded, or it has one out or rests."""
        if one.busy or now_ns >= self.until[one.entry] or any(user is one for _, user in self.resting):
            return
        engine = self.engine
        if engine.turns:
            wire, one.name, one.bodyless, one.expect = engine.turns[one.entry]()
        else:
            if one.waiting is None:
                one.flow, one.waiting = engine.new_flow(one.entry)
            wire, one.name, one.bodyless, one.expect = engine.prepare(one.entry, one.waiting)
            one.waiting = None
        one.slice, one.phase, one.logical = self.slice, self.phase, self.number
        self.number += engine.trial.workers
        one.due = one.start = now_ns
        engine.transmit(one, wire)

    def after(self, one: Connection, _keep: bool, end_ns: int, response: Response | None) -> None:  # noqa: FBT001
        """Go on behind a finished request."""
        if response is not None and one.flow is not None:
            one.waiting = step(one, response)
        if one.sock is None and (response is None or response.status == 0) and self._failed():
            self.resting.append((end_ns + REST_NS, one))
            return
        self.go(one, end_ns)

    def _failed(self) -> bool:
        """Say whether the request that has just ended failed (the engine's counts moved)."""
        counts = self.engine.counts
        return counts.finished - counts.completed > self._failures()

    def _failures(self) -> int:
        return 0


def step(one: Connection, response: Response) -> Request | None:
    """Hand a response to the connection's flow; None where the flow has ended."""
    if one.flow is None:
        return None
    try:
        return one.flow.send(response)
    except StopIteration:
        one.flow = None
        return None
