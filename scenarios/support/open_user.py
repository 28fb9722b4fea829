"""Normal Locust tasks with the open model: due times that do not wait, and a record of every request.

For scenarios that need Locust's own client.  A user takes the next due time, sleeps until it, and runs one
task; latency counts from the due time.  With all users busy a request leaves late, which its record shows,
instead of being left out.  Start it with ``-u 1``: under a trial it adds the other users itself.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from typing import Any

import gevent
from gevent.event import Event
from locust import FastHttpUser
from locust.env import Environment
from locust.exception import StopUser

from .arrivals import Arrivals, arrivals_of
from .clock import Reading, fields
from .link import LinkError, claim, link_of
from .recorder import COLUMNS, EOF, ERRORS, NONE, PROTOCOL, REFUSED, ROW, RST, TIMEOUT, Live, Recorder, write_json
from .start import announce, quit_locust, trial_of, wait_for_start
from .switches import documents, slices_of
from .trial import S_NS, SCHEMA, Trial, TrialError

logger = logging.getLogger(__name__)

TASKS_MAX = 64
"""Tasks that may run at once in one process (parameter ``tasks_max``): each is a greenlet with a client of
its own, and one core of Locust's client answers at most 8,000 requests/s, 64 in flight for 8 ms each."""


class OpenUser(FastHttpUser):
    """A FastHttpUser whose tasks run when they are due; without a trial, an ordinary FastHttpUser.

    Locust's client retries after a lost connection: use the wire users where drops are the subject.
    """

    abstract = True
    host = os.environ.get("LOAD_HOST", "http://127.0.0.1")
    due: int | None = None
    """Index of the due time that this user works on."""

    def on_start(self) -> None:
        """Take the first due time; a subclass that overrides this calls it."""
        try:
            self.schedule = schedule_of(self.environment)
        except (TrialError, OSError):
            logger.exception("the trial failed")
            quit_locust(self.environment, 1)
            raise StopUser from None
        if self.schedule is not None:
            self.schedule.join(type(self).__name__)
            self._take()

    def wait_time(self) -> float:
        """Sleep until the next due time (Locust asks between two tasks); ends the user where there is none.

        A subclass that sets ``wait_time`` gives the schedule up.
        """
        self._take()
        return 0.0

    def context(self) -> dict[str, Any]:
        """Tell the recorder which due time a request belongs to."""
        return {"due_index": self.due}

    def _take(self) -> None:
        if self.schedule is None:
            return
        self.due = self.schedule.take()
        if self.due is None:
            self.schedule.leave()
            raise StopUser
        self.client.base_url = self.schedule.trial.arms[self.schedule.arrivals.entry[self.due]].url


class Schedule:
    """The due times that the users of one process share, and their record."""

    def __init__(self, trial: Trial, environment: Environment) -> None:
        self.trial, self.environment = trial, environment
        self.slices = slices_of(trial)
        self.arrivals: Arrivals = arrivals_of(trial, self.slices)
        self.recorder = Recorder(trial.output, trial.worker)
        self.live = Live(trial.output, trial.worker)
        self.phases = {one.index: int(one.phase == "measure") for one in self.slices}
        self.next = self.sent = self.completed = self.users = 0
        self.errors = dict.fromkeys(ERRORS[1:], 0)
        self.t0_ns = 0
        self.started = Event()
        self.link = link_of(environment)
        self.before: Reading | None = None
        environment.events.request.add_listener(self.record)
        gevent.spawn(self._start)

    def _start(self) -> None:
        try:
            self.before = self.link.clock() if self.link is not None else None
            announce(self.trial, self.slices, self.link)
            self.t0_ns = wait_for_start(self.trial, self.link, self.before)
            self.started.set()
            end_s = (self.t0_ns + self.slices[-1].end_ns + self.trial.timeout_ns - time.monotonic_ns()) / S_NS
            gevent.spawn_later(max(0.0, end_s), self.finish)
        except Exception:
            logger.exception("the trial failed")
            quit_locust(self.environment, 1)

    def join(self, user_class: str) -> None:
        """Count a user in; the first one has Locust start the others."""
        self.users += 1
        runner = self.environment.runner
        if self.users == 1 and runner is not None:
            more = int(self.trial.parameters.get("tasks_max", TASKS_MAX)) - 1
            gevent.spawn(runner.spawn_users, {user_class: more})

    def take(self) -> int | None:
        """Wait for the next due time and give its index; None after the last."""
        self.started.wait()
        if self.next >= len(self.arrivals):
            return None
        index, self.next = self.next, self.next + 1
        wait_ns = self.t0_ns + self.arrivals.due_ns[index] - time.monotonic_ns()
        if wait_ns > 0:
            gevent.sleep(wait_ns / S_NS)
        return index

    def leave(self) -> None:
        """Note that a user has found no more work; the last one ends the trial."""
        self.users -= 1
        if self.users <= 0:
            self.finish()

    def record(  # (the names are those of Locust's event)
        self,
        *,
        name: str,
        response_time: float | None,
        response_length: int | None,
        exception: BaseException | None,
        context: Mapping[str, Any],
        start_time: float | None = None,
        response: Any = None,
        **_rest: Any,
    ) -> None:
        """Keep a request of Locust's own client as a row."""
        i = context.get("due_index")
        if i is None:
            return
        end_ns = time.monotonic_ns()
        # response_time is Locust's unrounded measure; the start follows from it on our clock.
        start_ns = end_ns - int((response_time or 0.0) * 1e6)
        del start_time
        status = int(getattr(response, "status_code", 0) or 0)
        error = NONE if status else class_of(exception)
        self.sent += 1
        self.completed += error == NONE
        if error:
            self.errors[ERRORS[error]] += 1
        index = self.arrivals.slice[i]
        self.recorder.add(
            self.t0_ns + self.arrivals.due_ns[i],
            start_ns,
            end_ns,
            self.arrivals.logical_id[i],
            index,
            int(response_length or 0),
            self.recorder.name_index(name),
            status,
            error,
            self.arrivals.entry[i],
            self.phases[index],
        )
        self.live.update(end_ns, 0, self.sent, self.completed)

    def finish(self) -> None:
        """Leave the files and quit Locust; once."""
        if self.next < 0:
            return
        unsent, self.next = len(self.arrivals) - self.next, -1
        self.environment.events.request.remove_listener(self.record)
        self.recorder.close()
        self.live.close()
        try:
            after = self.link.clock() if self.link is not None else None
        except LinkError:
            logger.exception("the trial failed")
            quit_locust(self.environment, 1)
            return
        write_json(
            self.trial.output / f"done-{self.trial.worker}.json",
            {
                "schema": SCHEMA,
                "worker": self.trial.worker,
                "workers": self.trial.workers,
                "pid": os.getpid(),
                "row": ROW,
                "columns": list(COLUMNS),
                "rows": self.recorder.written,
                "names": list(self.recorder.names),
                "arms": [{"name": a.name, "url": a.url, "instance": a.instance} for a in self.trial.arms],
                "slices": documents(self.slices),
                "due": len(self.arrivals),
                "sent": self.sent,
                "completed": self.completed,
                "unsent": unsent,
                "errors": self.errors,
                "idle_spin_ns": 0,
                "work_ns": time.thread_time_ns(),
                "wall_ns": time.monotonic_ns() - self.t0_ns,
                **fields(self.before, after),
                "t0_ns": self.t0_ns,
                "connections_opened": 0,
            },
        )
        quit_locust(self.environment, 0)


def schedule_of(environment: Environment) -> Schedule | None:
    """Give the process's schedule, made by its first user; None without a trial.

    :raises TrialError: the trial is of the closed model, which needs no schedule.
    """
    found: Schedule | None = getattr(environment, "open_schedule", None)
    if found is not None:
        return found
    trial = trial_of(environment)
    if trial is None:
        return None
    if trial.load.model != "open":
        raise TrialError("OpenUser runs the open model; use a wire user for the closed one")
    claim(environment)
    found = Schedule(trial, environment)
    environment.open_schedule = found  # type: ignore[attr-defined]  # the one object that all users share
    return found


def class_of(exception: BaseException | None) -> int:
    """Class of a failure by what Locust's client raised, causes included."""
    seen: BaseException | None = exception
    while seen is not None:
        if isinstance(seen, ConnectionRefusedError):
            return REFUSED
        if isinstance(seen, ConnectionResetError | BrokenPipeError):
            return RST
        if isinstance(seen, TimeoutError):
            return TIMEOUT
        if type(seen).__name__ == "HTTPConnectionClosed":
            return EOF
        seen = seen.__cause__ or seen.__context__
    return PROTOCOL
