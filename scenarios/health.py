"""Users' requests, and beside them the three health probes of Kubernetes: what it would do, and when."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from locust import events
from locust.runners import MasterRunner
from support.probing import Probes
from support.start import quit_locust
from support.trial import TrialError, arm_of, read_trial
from support.wire.request import Request, request
from support.wire.user import WireUser

logger = logging.getLogger(__name__)

PROBING = {
    "startup_path": "/health/startup",
    "liveness_path": "/health/live",
    "readiness_path": "/health/ready",
    "startup_failures": 30,
    "factor": 1.0,
}
"""Kubernetes asks every 10 s, and here ``factor`` times as often; an empty path: no such probe."""


class Health(WireUser):
    """Parameters: ``paths`` (what users ask, in turn), and those of ``PROBING``.

    Without a trial ``HTTP_PATHS=/a,/b`` names the paths, and ``HEALTH_FACTOR=10`` the factor.  Rows ``probe …`` are the
    probes; rows of the type KUBERNETES say what would follow: started, in, out, restart.  Nothing is restarted.
    """

    def requests(self, parameters: Mapping[str, Any], seed: int) -> Sequence[Request]:
        """Encode the paths."""
        del seed
        paths = parameters.get("paths") or os.environ.get("HTTP_PATHS", "/").split(",")
        return [request("GET", path, name=path) for path in paths]


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust's
def begin(environment: Any, **_: Any) -> None:
    """Probe every address of the trial, or the host, in the one process that leads no others."""
    if isinstance(environment.runner, MasterRunner):
        return
    try:
        trial = read_trial(os.environ)
        if trial is not None and trial.worker > 1:
            return
        arms = [arm_of("host", environment.host or "")] if trial is None else trial.arms
        given = {"factor": os.environ.get("HEALTH_FACTOR", "1")} if trial is None else trial.parameters
        environment.health_probes = Probes(arms, environment.events, {**PROBING, **given})
    except (TrialError, ValueError):
        logger.exception("the probes cannot begin")
        quit_locust(environment, 1)


@events.test_stop.add_listener  # type: ignore[untyped-decorator]  # Locust's
def end(environment: Any, **_: Any) -> None:
    """Stop probing with the users."""
    probes = getattr(environment, "health_probes", None)
    if probes is not None:
        probes.end()
