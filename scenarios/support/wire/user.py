"""The base of scenarios on the wire: a Locust user, with a trial and without one."""

from __future__ import annotations

import logging
import random
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import gevent
from locust import User, constant, task
from locust.exception import StopUser

from ..link import claim, link_of
from ..recorder import ERRORS
from ..start import quit_locust, trial_of
from ..trial import S_NS, Trial, TrialError, arm_of
from .connection import Flow
from .engine import Session
from .loop import run_trial
from .plain import PlainClient
from .request import Request, Response

logger = logging.getLogger(__name__)

SUCCESS = frozenset(range(200, 300))
"""What a plain run counts as an answer, where the request itself does not say."""

SEED = 0
"""Seed of a plain run, which has no trial to take one from."""


class WireUser(User):
    """A scenario: override ``requests`` (the same ones in turn) or ``flow`` (a conversation).

    Under ``LOAD_TRIAL`` a single user drives every connection of the trial; without it each user is one
    connection and Locust's own options, tables and web UI apply.
    """

    abstract = True
    wait_time = constant(0)
    parameters: Mapping[str, Any] = {}
    """Defaults of the scenario's parameters; those of the trial are laid over them."""

    def requests(self, parameters: Mapping[str, Any], seed: int) -> Sequence[Request] | None:  # noqa: ARG002  (overridden)
        """Give the requests to repeat in turn; None: the scenario is a flow."""
        return None

    def flow(self, session: Session) -> Flow:
        """Converse: yield requests and receive responses; a flow that returns begins anew."""
        raise TypeError(f"{type(self).__name__} overrides neither requests nor flow (session {session.number})")

    def on_start(self) -> None:
        """Read the trial, if any; else get the plain connection ready."""
        self.trial: Trial | None = None
        self.client: PlainClient | None = None
        try:
            self.trial = trial_of(self.environment)
        except TrialError:
            logger.exception("the trial failed")
            quit_locust(self.environment, 1)
            raise StopUser from None
        if self.trial is not None and not claim(self.environment):
            raise StopUser
        if self.trial is None:
            self.client = PlainClient(
                arm_of("host", self.host or ""), self.environment.events, float(self.parameters.get("timeout_s", 10.0))
            )
            self._steps = self._conversation()
            self._next = next(self._steps)

    def on_stop(self) -> None:
        """Close the plain connection."""
        if self.client is not None:
            self.client.close()

    @task
    def drive(self) -> None:
        """Run the whole trial, or send the next request of a plain user."""
        if self.trial is not None:
            self._run(self.trial)
            raise StopUser
        if self.client is not None:
            if self._next.pause_ns:
                gevent.sleep(self._next.pause_ns / S_NS)
            response = self.client.fetch(self._next, SUCCESS, self.context())
            self._next = self._steps.send(response)

    def _run(self, trial: Trial) -> None:
        code = 1
        try:
            parameters = {**self.parameters, **trial.parameters}
            fixed = self.requests(parameters, trial.seed)
            summary = run_trial(
                trial, fixed=fixed, flow=self.flow if fixed is None else None, link=link_of(self.environment)
            )
            logger.info(
                "worker %d: due %d, sent %d, completed %d, errors %s",
                *(summary[key] for key in ("worker", "due", "sent", "completed")),
                {name: summary["errors"][name] for name in ERRORS if name},
            )
            code = 0
        except Exception:
            # Without a done file the block is invalid; the log says why.
            logger.exception("the trial failed")
        quit_locust(self.environment, code)

    def _conversation(self) -> Generator[Request, Response, None]:
        """Repeat the requests, or one flow after the other, for ever."""
        fixed = self.requests(self.parameters, SEED)
        number = random.getrandbits(32)
        while True:
            if fixed is None:
                session = Session(self.parameters, random.Random(number), number, self.host or "")
                yield from self.flow(session)
            else:
                for one in fixed:  # noqa: UP028  (a list's iterator takes no response)
                    yield one
            number += 1
