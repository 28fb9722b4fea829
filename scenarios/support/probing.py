"""Probes of a service's health beside the users of a load, by the rules of Kubernetes, shown in Locust's own tables.

After ``pkg/kubelet/prober/worker.go`` and the section "Configure Liveness, Readiness and Startup Probes" of its manual:
a result counts once it has come so many times in a row; a start-up probe holds the other two back until it succeeds; a
failure of it or of liveness restarts the container, one of readiness takes it out.  Nothing is restarted here, and
users go on sending: what Kubernetes *would* do is a row of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gevent

from .trial import Arm
from .wire.plain import PlainClient
from .wire.request import Request, request

logger = logging.getLogger(__name__)

SUCCESS = frozenset(range(200, 400))
"""What Kubernetes takes for success."""

STARTUP, LIVENESS, READINESS = "startup", "liveness", "readiness"

PERIOD_S, FAILURES = 10.0, 3
"""Kubernetes' own, where nothing else is said."""

DECISIONS = "KUBERNETES"
"""Type of the rows that say what Kubernetes would do."""


@dataclass(frozen=True, slots=True)
class Check:
    """One probe; the defaults are Kubernetes'."""

    path: str
    period_s: float = PERIOD_S
    timeout_s: float = 1.0
    failures: int = FAILURES


def checks(parameters: Mapping[str, Any]) -> dict[str, Check]:
    """Give Kubernetes' probes on the paths of the parameters, ``factor`` times as often; an empty path: no such probe.

    Time-outs stay as they are: what the service needs for an answer is not scaled either.

    :raises ValueError: a factor that is no positive number.
    """
    factor = float(parameters["factor"])
    if not 0 < factor < float("inf"):
        raise ValueError(f"factor: {parameters['factor']!r}; give a number above 0, 1 for Kubernetes' own times")
    paths = {kind: str(parameters[f"{kind}_path"]) for kind in (STARTUP, LIVENESS, READINESS)}
    return {
        kind: Check(
            path=path,
            period_s=PERIOD_S / factor,
            failures=int(parameters["startup_failures"]) if kind == STARTUP else FAILURES,
        )
        for kind, path in paths.items()
        if path
    }


@dataclass(slots=True)
class Known:
    """What is known of one process: how its last results came, and what follows from them."""

    checks: Mapping[str, Check]
    started: bool = False
    ready: bool = False
    runs: dict[str, tuple[bool, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin as with a new process."""
        self.begin()

    def begin(self) -> None:
        """Know nothing: without a probe that may say otherwise it is started, and ready."""
        self.started = STARTUP not in self.checks
        self.ready = self.started and READINESS not in self.checks
        self.runs.clear()

    def due(self, kind: str) -> bool:
        """Say whether a probe of this kind is asked now."""
        return self.started == (kind != STARTUP)

    def told(self, kind: str, *, good: bool) -> str | None:
        """Take in one result; give what Kubernetes would do now, if anything."""
        before, length = self.runs.get(kind, (good, 0))
        length = length + 1 if before is good else 1
        self.runs[kind] = good, length
        if not good and length < self.checks[kind].failures:
            return None
        if kind == READINESS:
            changed, self.ready = self.ready != good, good
            return None if not changed else "in" if good else "out"
        if not good:
            self.begin()
            return "restart"
        if kind == STARTUP and not self.started:
            self.started = True
            self.ready = READINESS not in self.checks
            return "started"
        return None


class Probes:
    """The probes of some addresses, each in a greenlet; ``events`` is Locust's."""

    def __init__(self, arms: Sequence[Arm], events: Any, parameters: Mapping[str, Any]) -> None:
        chosen = checks(parameters)
        self._events = events
        self._greenlets = []
        for arm in arms:
            known = Known(chosen)
            self._greenlets += [gevent.spawn(self._probe, arm, known, kind) for kind in chosen]

    def end(self) -> None:
        """Ask no more."""
        gevent.killall(self._greenlets)

    def _probe(self, arm: Arm, known: Known, kind: str) -> None:
        check = known.checks[kind]
        asked = request("GET", check.path, headers={"User-Agent": "kube-probe/locust"}, name=f"probe {kind}")
        client = PlainClient(arm, self._events, check.timeout_s)
        due_s = time.monotonic()
        while True:
            if known.due(kind):
                self._ask(client, asked, known, kind)
            # A ticker that is late drops ticks; it does not catch up.
            due_s = max(due_s + check.period_s, time.monotonic())
            gevent.sleep(due_s - time.monotonic())

    def _ask(self, client: PlainClient, asked: Request, known: Known, kind: str) -> None:
        response = client.fetch(asked, SUCCESS, {})
        # Kubernetes opens a connection for each probe.
        client.close()
        decision = known.told(kind, good=response.status in SUCCESS)
        if decision is not None:
            why = f"{kind}: {response.error or response.status}"
            logger.info("Kubernetes would say: %s (%s)", decision, why)
            self._events.request.fire(
                request_type=DECISIONS,
                name=decision,
                response_time=0.0,
                response_length=0,
                response=None,
                context={},
                exception=None if decision in {"in", "started"} else DecisionError(why),
                start_time=time.time(),
                url=asked.name,
            )


class DecisionError(Exception):
    """A probe failed so often that Kubernetes would restart the container, or take it out."""
