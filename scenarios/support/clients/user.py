"""The Locust user that stands for all clients: with a trial, and without one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from locust import User, constant_throughput, task
from locust.exception import StopUser

from ..link import claim, link_of
from ..start import quit_locust, trial_of
from ..trial import Trial, TrialError
from .mix import DEFAULTS
from .plain import Plain
from .run import run_trial

logger = logging.getLogger(__name__)

RATE_RPS = 20
"""Requests that each user of a plain run starts in a second, whether or not earlier ones are answered."""


class Clients(User):
    """A mix of clients; a scenario changes ``parameters``."""

    abstract = True
    wait_time = constant_throughput(RATE_RPS)
    parameters: Mapping[str, Any] = DEFAULTS
    """Defaults of the mix; those of the trial are laid over them."""

    def on_start(self) -> None:
        """Read the trial, if any; else get the clients ready."""
        self.trial: Trial | None = None
        self.plain: Plain | None = None
        try:
            self.trial = trial_of(self.environment)
            if self.trial is None:
                self.plain = Plain(self.host or "", self.environment.events, {**DEFAULTS, **self.parameters})
        except (TrialError, OSError):
            logger.exception("the trial failed")
            quit_locust(self.environment, 1)
            raise StopUser from None
        if self.trial is not None and not claim(self.environment):
            raise StopUser

    def on_stop(self) -> None:
        """End what a plain run has begun."""
        if self.plain is not None:
            self.plain.close()

    @task
    def drive(self) -> None:
        """Run the whole trial, or start one request of a plain run."""
        if self.trial is not None:
            self._run(self.trial)
            raise StopUser
        if self.plain is not None:
            self.plain.start(self.context())

    def _run(self, trial: Trial) -> None:
        code = 1
        try:
            parameters = {**DEFAULTS, **self.parameters, **trial.parameters}
            summary = run_trial(trial, parameters, link_of(self.environment))
            logger.info(
                "worker %d: due %d, sent %d, completed %d, errors %s",
                *(summary[key] for key in ("worker", "due", "sent", "completed", "errors")),
            )
            code = 0
        except Exception:
            # Without a done file the run is void; the log says why.
            logger.exception("the trial failed")
        quit_locust(self.environment, code)
