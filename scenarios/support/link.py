"""What a worker and Locust's master tell each other about a trial, over Locust's own connection.

The master answers with its time.  Where ``LOAD_START=master`` it also gives the start, as soon as every worker of the
trial is ready: a cluster needs nobody beside it for that.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from typing import Any

from gevent.queue import Empty, Queue
from locust import events
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from .clock import Exchange, Reading, identity, reading
from .recorder import write_json
from .trial import S_NS, SCHEMA, TrialError, read_trial

logger = logging.getLogger(__name__)

ASK, TELL, READY, START = "trial-ask", "trial-tell", "trial-ready", "trial-start"
"""Names of the messages."""

EXCHANGES = 16
"""Of so many round trips the quickest ones decide; on one machine they take 10 ms in all."""

ANSWER_S = 10.0
"""A master on a crowded core answers within milliseconds; one that is gone, never."""

START_IN_S = 2.0
"""From the last worker's word to the zero of the trial's clock, where the master gives the start."""


class LinkError(RuntimeError):
    """The master does not answer."""


class Link:
    """A worker's side of the connection."""

    def __init__(self, runner: WorkerRunner) -> None:
        self._runner = runner
        self._answers: Queue[tuple[int, dict[str, Any]]] = Queue()
        self.start_ns: int | None = None
        """Zero of the trial's clock on the master's clock, once the master has given it."""
        runner.register_message(TELL, self._told)
        runner.register_message(START, self._started)

    def _told(self, *, msg: Any, **_rest: Any) -> None:
        self._answers.put((time.monotonic_ns(), msg.data))

    def _started(self, *, msg: Any, **_rest: Any) -> None:
        self.start_ns = int(msg.data["t0_ns"])

    def clock(self) -> Reading:
        """Ask the master for its time.

        :raises LinkError: it does not answer.
        """
        exchanges, names = [], set()
        for _ in range(EXCHANGES):
            asked_ns = time.monotonic_ns()
            self._runner.send_message(ASK, {"asked_ns": asked_ns})
            try:
                back_ns, told = self._answers.get(timeout=ANSWER_S)
            except Empty:
                raise LinkError(
                    f"Locust's master did not tell its time within {ANSWER_S:.0f} s: it has ended, or runs another "
                    "locustfile than this worker"
                ) from None
            exchanges.append(Exchange(told["asked_ns"], told["heard_ns"], told["answered_ns"], back_ns))
            names.add(told["clock"])
        mine = identity()
        return reading(exchanges, one=mine is not None and names == {mine})

    def ready(self, worker: int) -> None:
        """Tell the master that this worker waits for the start."""
        self._runner.send_message(READY, {"worker": worker})


def link_of(environment: Environment) -> Link | None:
    """Give the connection of this worker; None in a process that loads alone."""
    return Link(environment.runner) if isinstance(environment.runner, WorkerRunner) else None


def claim(environment: Environment) -> bool:
    """Take this process for a trial, once: False for a second user, which would run it again over its own records.

    Locust's master spreads its users anew whenever a worker joins or ends.  A worker that has its trial disregards
    that, as Locust has a worker disregard all orders older than the last one.
    """
    if getattr(environment, "trial_claimed", False):
        logger.warning("this process has its trial already; a worker needs one user: start Locust with -u WORKERS")
        return False
    environment.trial_claimed = True  # type: ignore[attr-defined]  # what all users of a process share
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.last_received_spawn_timestamp = sys.maxsize
    return True


def listen(environment: Environment, **_rest: Any) -> None:
    """Have a master answer its workers, and a worker say that it has reached its master."""
    master = environment.runner
    if isinstance(master, WorkerRunner):
        _join()
    if not isinstance(master, MasterRunner):
        return
    ready: set[int] = set()

    def tell(*, msg: Any, **_rest: Any) -> None:
        heard_ns = time.monotonic_ns()
        told = {"asked_ns": msg.data["asked_ns"], "heard_ns": heard_ns, "clock": identity()}
        master.send_message(TELL, {**told, "answered_ns": time.monotonic_ns()}, msg.node_id)

    def note(*, msg: Any, **_rest: Any) -> None:
        ready.add(int(msg.data["worker"]))
        if os.environ.get("LOAD_START") == "master":
            _start(master, ready)

    master.register_message(ASK, tell)
    master.register_message(READY, note)


events.init.add_listener(listen)  # Locust's way: whoever loads the locustfile as a master has it.


def _join() -> None:
    """Leave ``joined-k``: the master starts nobody before all have come, so that one that hangs makes all others wait.

    A worker without a number of its own cannot be told from the others yet.
    """
    if "LOAD_WORKER" not in os.environ:
        return
    with contextlib.suppress(TrialError):  # The user, who needs the trial, says what is wrong with it.
        trial = read_trial(os.environ)
        if trial is not None:
            write_json(trial.output / f"joined-{trial.worker}", {"schema": SCHEMA, "pid": os.getpid()})


def _start(master: MasterRunner, ready: set[int]) -> None:
    """Give the start to all workers once the last one is ready."""
    try:
        trial = read_trial({**os.environ, "LOAD_WORKER": "1"})
    except TrialError:
        logger.exception("the trial cannot start")
        return
    if trial is not None and ready == set(range(1, trial.workers + 1)):
        t0_ns = time.monotonic_ns() + round(START_IN_S * S_NS)
        master.send_message(START, {"t0_ns": t0_ns})
