"""The closed model: every connection sends its next request when the answer to the last has come."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque

from .connection import RECEIVE, Connection
from .engine import IN, LOOK_NS, Engine
from .parser import END
from .request import Response

BATCH = 256
"""Events taken from epoll at once."""


class _Users:
    """The connections of each arm, and until when each arm is loaded."""

    def __init__(self, engine: Engine) -> None:
        trial = engine.trial
        self.engine = engine
        share = trial.share(trial.load.users)
        self.users = [[engine.new_connection(entry) for _ in range(share)] for entry in range(len(trial.arms))]
        self.until = [0] * len(trial.arms)
        self.slice = self.phase = 0
        self.number = itertools.count(trial.worker - 1, trial.workers).__next__
        # When each wakes, and a number that keeps two of one instant apart.
        self.resting: list[tuple[int, int, Connection]] = []
        self.rests = itertools.count()
        self.ahead = deque(engine.slices)
        self.edge_ns = engine.t0_ns + engine.slices[0].start_ns

    def advance(self) -> bool:
        """Begin the next slice: load its arms; the others finish what they have begun.  False after the last."""
        self.until[:] = [0] * len(self.until)
        if not self.ahead:
            return False
        one, t0_ns = self.ahead.popleft(), self.engine.t0_ns
        self.slice, self.phase = one.index, int(one.phase == "measure")
        self.edge_ns = t0_ns + (self.ahead[0].start_ns if self.ahead else one.end_ns)
        for entry in one.entries:
            self.until[entry] = t0_ns + one.quiet_ns
        # One user of each arm in turn, so that no arm's whole burst comes first.
        for together in itertools.zip_longest(*(self.users[entry] for entry in one.entries)):
            for user in together:
                if user is not None:
                    self.go(user, time.monotonic_ns())
        return True

    def go(self, one: Connection, now_ns: int) -> None:
        """Send the user's next request, unless its arm is not loaded, or it has one out or rests."""
        if one.busy or now_ns >= self.until[one.entry] or now_ns < one.rest_ns:
            return
        engine = self.engine
        if engine.turns:
            wire, one.name, one.bodyless, one.expect = engine.turns[one.entry]()
        else:
            if one.waiting is None:
                one.flow, one.waiting = engine.new_flow(one.entry)
            wire, one.name, one.bodyless, one.expect = engine.prepare(one.entry, one.waiting)
            one.waiting = None
        one.slice, one.phase, one.logical = self.slice, self.phase, self.number()
        one.due = one.start = now_ns
        engine.transmit(one, wire)

    def after(self, one: Connection, end_ns: int, response: Response | None) -> None:
        """Go on behind a finished request."""
        if response is not None:
            one.step(response)
            if one.waiting is not None and one.waiting.pause_ns:
                one.rest_ns = max(one.rest_ns, end_ns + one.waiting.pause_ns)
        if one.rest_ns > end_ns:
            heapq.heappush(self.resting, (one.rest_ns, next(self.rests), one))
        else:
            self.go(one, end_ns)

    def wake(self, now_ns: int) -> None:
        """Let the users go on that have rested."""
        while self.resting and self.resting[0][0] <= now_ns:
            self.go(heapq.heappop(self.resting)[2], now_ns)


def run_closed(engine: Engine) -> None:  # noqa: C901, PLR0912, PLR0915  (one hot loop: a call costs a twentieth of a request)
    """Drive the trial's users from t0 to the last slice's end, then wait for what is outstanding."""
    users = _Users(engine)
    engine.after = users.after
    clock, poll = time.monotonic_ns, engine.epoll.poll
    connections, heads, until = engine.connections, engine.heads, users.until
    append, pack, number = engine.recorder.rows.append, engine.recorder.pack, users.number
    turns, counts = engine.turns, engine.counts
    deadline_ns = engine.t0_ns + engine.slices[-1].end_ns + engine.trial.timeout_ns
    running, idle_ns = True, 0
    while running or counts.sent != counts.finished:
        now = clock()
        while running and now >= users.edge_ns:
            running = users.advance()
        if users.resting:
            users.wake(now)
        if now >= engine.yield_at:
            now = engine.pause(now)
            idle_ns = 0
            if now >= deadline_ns:
                engine.expire(now)
        # Busy waiting: where the generator sleeps, the server pays for waking it up at every answer, and the
        # slower arm pays more often.  A burn of 20 µs showed as 25 µs that way, as 20 µs this way.
        events = poll(0, BATCH)
        if not events:
            after = clock()
            if engine.crowded:
                counts.spin_ns += engine.give_way(again=bool(idle_ns))
            else:
                look = after - (idle_ns or now)
                if look < LOOK_NS:
                    counts.spin_ns += look
            idle_ns = after
            continue
        done = unexpected = idle_ns = 0
        for fd, mask in events:
            one = connections.get(fd)
            if one is None:
                continue
            if mask != IN:
                engine.event(one, mask)
                continue
            try:
                data = one.recv(RECEIVE)
            except BlockingIOError:
                continue
            except OSError as error:
                engine.broken(one, error)
                continue
            end = clock()
            at = data.find(END) + 4
            head = heads.get(data[:at])
            if (
                head is None
                or head[1] != len(data) - at
                or one.parser is not None
                or not one.busy
                or one.bodyless
                or one.out is not None
            ):
                engine.take(one, data, end)
                continue
            status, size, keep = head
            if not keep or not turns:
                engine.complete(one, status, size, data[:at], data[at:], end, keep=keep)
                continue
            entry = one.entry
            append(
                pack(one.due, one.start, end, one.logical, one.slice, size, one.name, status, 1, 0, entry, one.phase)
            )
            done += 1
            if status not in one.expect:
                unexpected += 1
            if end >= until[entry]:
                one.busy = False
                counts.sent -= 1
                continue
            wire, one.name, one.bodyless, one.expect = turns[entry]()
            one.slice, one.phase, one.logical = users.slice, users.phase, number()
            # One reading of the clock ends the old request and starts the new: no time falls between them.
            one.due = one.start = end
            try:
                sent = one.send(wire)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                engine.broken(one, error)
                continue
            if sent != len(wire):
                engine.keep_rest(one, wire, sent)
        # Each answer above sent a request, except where ``sent`` was taken back.
        counts.sent += done
        counts.completed += done
        counts.finished += done
        counts.unexpected += unexpected
    counts.due = counts.sent
