"""The open model: requests leave when they are due, on as many connections as that takes."""

from __future__ import annotations

import heapq
import itertools
import time
from array import array
from collections import deque

from ..arrivals import Arrivals
from .connection import RECEIVE, Connection, Flow
from .engine import IN, LOOK_NS, YIELD_NS, Engine
from .parser import END
from .request import Request, Response, labelled

BATCH = 64
"""Events taken from epoll at once; sends that fall due wait for at most so many answers (0.3 ms)."""

BURST = 16
"""Requests sent in a row when the loop is late, before it looks for answers again."""

SPIN_NS = 2_000_000
"""Busy waiting begins 2 ms before a request is due: epoll's time-outs are whole milliseconds, and waking up
from sleep makes a request up to 0.2 ms late, from busy waiting 0.02 ms."""

QUIET_NS = 400_000
"""gevent's hub gets its turn in a gap of at least 0.4 ms, four times what a turn takes …"""

PATIENCE_NS = 2 * YIELD_NS
"""… and without one after 40 ms more."""

NEVER = 1 << 62


class _Pool:
    """Idle connections, ready sessions and waiting requests of each arm."""

    def __init__(self, engine: Engine, arrivals: Arrivals) -> None:
        entries = range(len(engine.trial.arms))
        self.engine = engine
        self.arrivals = arrivals
        self.idle: list[list[Connection]] = [[] for _ in entries]
        self.opened = [0 for _ in entries]
        self.ready: list[list[tuple[Flow, Request]]] = [[] for _ in entries]
        # Sessions that rest: until when, a number that keeps two of one instant apart, the session.
        self.resting: list[list[tuple[int, int, tuple[Flow, Request]]]] = [[] for _ in entries]
        self.rests = itertools.count()
        self.queues: list[deque[int]] = [deque() for _ in entries]
        self.queued = 0
        self.limit = engine.trial.share(engine.trial.load.connections_max)
        self.phases = {one.index: int(one.phase == "measure") for one in engine.slices}

    def connection(self, entry: int) -> Connection | None:
        """Take the connection that was used last, else a new one; None at the limit."""
        stack = self.idle[entry]
        while stack:
            one = stack.pop()
            if one.sock is not None:
                return one
            self.opened[entry] -= 1  # The server has closed it meanwhile.
        # Each worker owns its share of the arm's connections.
        if self.opened[entry] >= self.limit:
            return None
        self.opened[entry] += 1
        return self.engine.new_connection(entry)

    def send(self, i: int) -> None:
        """Send the i-th request now, or let it wait for a connection."""
        entry = self.arrivals.entry[i]
        one = self.connection(entry)
        if one is None:
            self.queues[entry].append(i)
            self.queued += 1
            return
        engine, arrivals = self.engine, self.arrivals
        if engine.turns:
            wire, one.name, one.bodyless, one.expect = engine.turns[entry]()
        else:
            ready = self._rested(entry)
            one.flow, request = ready.pop() if ready else engine.new_flow(entry)
            wire, one.name, one.bodyless, one.expect = engine.prepare(entry, request)
        one.slice, one.logical = arrivals.slice[i], arrivals.logical_id[i]
        if engine.labels:
            wire = labelled(wire, one.logical)
        one.phase = self.phases[one.slice]
        one.due = engine.t0_ns + arrivals.due_ns[i]
        one.start = time.monotonic_ns()
        engine.transmit(one, wire)

    def _rested(self, entry: int) -> list[tuple[Flow, Request]]:
        """Give the sessions that can go on; a request that is due while all rest begins another one."""
        ready, resting = self.ready[entry], self.resting[entry]
        if resting:
            now_ns = time.monotonic_ns()
            while resting and resting[0][0] <= now_ns:
                ready.append(heapq.heappop(resting)[2])
        return ready

    def after(self, one: Connection, end_ns: int, response: Response | None) -> None:
        """Take the connection and its session back behind a finished request."""
        if response is not None:
            one.step(response)
            if one.flow is not None and one.waiting is not None:
                session = one.flow, one.waiting
                if one.waiting.pause_ns:
                    rest = (end_ns + one.waiting.pause_ns, next(self.rests), session)
                    heapq.heappush(self.resting[one.entry], rest)
                else:
                    self.ready[one.entry].append(session)
            one.flow = one.waiting = None
        if one.sock is None:
            self.opened[one.entry] -= 1
        else:
            self.idle[one.entry].append(one)

    def drain(self) -> None:
        """Send what waits, as far as connections allow; each request is tried once."""
        for entry, queue in enumerate(self.queues):
            for _ in range(len(queue)):
                if not self.idle[entry] and self.opened[entry] >= self.limit:
                    break
                self.queued -= 1
                self.send(queue.popleft())

    def unsent(self) -> None:
        """Record the requests that never left."""
        engine, arrivals = self.engine, self.arrivals
        for queue in self.queues:
            for i in queue:
                engine.counts.unsent += 1
                engine.recorder.add(
                    engine.t0_ns + arrivals.due_ns[i],
                    -1,
                    -1,
                    arrivals.logical_id[i],
                    arrivals.slice[i],
                    0,
                    0,
                    0,
                    0,
                    arrivals.entry[i],
                    self.phases[arrivals.slice[i]],
                )


def run_open(engine: Engine, arrivals: Arrivals) -> None:  # noqa: C901, PLR0912, PLR0915  (one hot loop: a call costs a twentieth of a request)
    """Send every request of the list at its time, then wait for what is outstanding."""
    pool = _Pool(engine, arrivals)
    engine.after = pool.after
    clock, poll = time.monotonic_ns, engine.epoll.poll
    connections, heads = engine.connections, engine.heads
    append, pack = engine.recorder.rows.append, engine.recorder.pack
    turns, counts, idle = [] if engine.labels else engine.turns, engine.counts, pool.idle
    # Absolute times, and a sentinel, so that the loop compares one integer with the clock.
    dues = array("q", (engine.t0_ns + due for due in arrivals.due_ns))
    dues.append(NEVER)
    entries, slices, logicals, phases = arrivals.entry, arrivals.slice, arrivals.logical_id, pool.phases
    end_ns = engine.t0_ns + engine.slices[-1].end_ns
    deadline_ns = end_ns + engine.trial.timeout_ns
    i, due, idle_ns = 0, dues[0], 0
    counts.due = len(arrivals)
    now = clock()
    while due != NEVER or counts.sent != counts.finished or pool.queued or now < end_ns:
        now = clock()
        burst = BURST
        while due <= now and burst:
            burst -= 1
            idle_ns = 0
            stack = idle[entries[i]]
            if turns and stack and stack[-1].registered:
                one = stack.pop()
                wire, one.name, one.bodyless, one.expect = turns[one.entry]()
                one.slice = index = slices[i]
                one.phase, one.logical, one.due = phases[index], logicals[i], due
                one.busy = True
                counts.sent += 1
                one.start = now = clock()
                try:
                    sent = one.send(wire)
                except BlockingIOError:
                    sent = 0
                except OSError as error:
                    engine.broken(one, error)
                    sent = len(wire)
                if sent != len(wire):
                    engine.keep_rest(one, wire, sent)
            else:
                # A new connection costs as much as ten requests: look for answers, and with them for idle
                # connections, before the next one, or a late loop would only get later.
                burst = 0
                pool.send(i)
            i += 1
            due = dues[i]
        if pool.queued:
            pool.drain()
        events = poll(0, BATCH)
        if not events:
            after = clock()
            gap = due - after
            if after >= engine.yield_at and (gap > QUIET_NS or after > engine.yield_at + PATIENCE_NS):
                after = engine.pause(after)
                idle_ns = 0
                if after >= deadline_ns:
                    break
                continue
            if gap < SPIN_NS:
                if engine.crowded:
                    counts.spin_ns += engine.give_way(again=bool(idle_ns))
                else:
                    # From the last idle look to this one, the loop's own steps included.
                    look = after - (idle_ns or now)
                    if look < LOOK_NS:
                        counts.spin_ns += look
                idle_ns = after
                continue
            # Whole milliseconds, rounded down, and one less for waking up.
            wait_ms = (min(gap, engine.yield_at - after) - SPIN_NS // 2) // 1_000_000
            events = poll(max(0, wait_ms) / 1000, BATCH)
        elif now > engine.yield_at + PATIENCE_NS and engine.pause(now) >= deadline_ns:
            break
        idle_ns = 0
        done = unexpected = 0
        for fd, mask in events:
            one = connections.get(fd)  # type: ignore[assignment]  # narrowed by the next line
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
            append(
                pack(
                    one.due, one.start, end, one.logical, one.slice, size, one.name, status, 1, 0, one.entry, one.phase
                )
            )
            done += 1
            if status not in one.expect:
                unexpected += 1
            one.busy = False
            idle[one.entry].append(one)
        counts.completed += done
        counts.finished += done
        counts.unexpected += unexpected
    engine.expire(clock())
    pool.unsent()
