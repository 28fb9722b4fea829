"""The clients without a trial: a mix at a fixed rate, shown in Locust's own tables."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from gevent.pool import Group

from ..recorder import ERRORS
from ..trial import S_NS, arm_of
from .mix import Act, acts
from .party import Outcome, Party

CYCLE = 1_000
"""Acts before the mix repeats."""

SEED = 0
"""There is no trial to take one from."""


class Plain:
    """The clients of one Locust user; ``events`` is Locust's."""

    def __init__(self, host: str, events: Any, parameters: Mapping[str, Any]) -> None:
        timeout_ns = round(float(parameters.get("timeout_s", 10.0)) * S_NS)
        self._party = Party(arm_of("host", host), 0, parameters, timeout_ns)
        self._acts = acts(parameters, SEED, CYCLE)
        self._events = events
        self._group = Group()
        # Far from other users' ids: what a server records of them stays apart.
        self._number = random.getrandbits(32) * CYCLE

    def start(self, context: dict[str, Any]) -> None:
        """Begin the next request without waiting for it."""
        self._group.spawn(self._serve, self._number, context)
        self._number += 1

    def close(self) -> None:
        """End what is outstanding."""
        self._group.kill()
        self._party.close()

    def _serve(self, number: int, context: dict[str, Any]) -> None:
        act = self._acts[number % CYCLE]
        outcome = self._party.attempt(act, number, 1)
        self._tell(act, outcome, context)
        if self._party.retries(act, outcome):
            self._tell(act, self._party.attempt(act, number, 2), context)

    def _tell(self, act: Act, outcome: Outcome, context: dict[str, Any]) -> None:
        exception: Exception | None = None
        if outcome.error:
            exception = NoAnswerError(ERRORS[outcome.error])
        elif not 200 <= outcome.status < 300:  # noqa: PLR2004  (success, as HTTP has it)
            exception = NoAnswerError(f"status {outcome.status}")
        self._events.request.fire(
            request_type=act.policy,
            name=act.kind,
            response_time=(outcome.end_ns - outcome.start_ns) / 1e6,
            response_length=outcome.size,
            response=None,
            context=context,
            exception=exception,
            start_time=time.time() - (time.monotonic_ns() - outcome.start_ns) / S_NS,
            url=act.kind,
        )


class NoAnswerError(Exception):
    """The request has no whole answer, or one that is no success."""
