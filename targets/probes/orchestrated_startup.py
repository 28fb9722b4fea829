"""What an orchestrator does to replicas that start slowly, with a start-up probe and without, as JSON lines.

``python -m targets.probes.orchestrated_startup [--quick]``

The service waits STARTUP_S in its start-up, which stands for FACTOR times as long; a simulated orchestrator with
Kubernetes' default rules, FACTOR times as fast, lets liveness fail for half of that before it restarts.

Each line is one attempt to start two replicas: ``{"subject", "case", "repeat", "cases", "kills", "restarts",
"sigkills", "ready", "ready_s", "factor"}``.

- ``cases`` are the replicas, ``kills`` those of them that were restarted before they were ever ready; ``restarts``
  counts all restarts within WATCHED_S, and ``sigkills`` those that SIGKILL had to end.
- ``without``, where liveness asks from the first moment, is the twin: its replicas must be killed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

from targets.orchestrator.cluster import Cluster, orchestrated
from targets.orchestrator.rules import kubernetes
from targets.orchestrator.service import service

FACTOR = 20.0
STARTUP_S = 3.0
WATCHED_S = 8.0
"""Without the probe: time for a second restart, so that it is a loop."""
LONGEST_S = 15.0
REPLICAS = 2
FAILURES = 30
"""Kubernetes' manual has the same figure in its example: 15 s here, and importing takes time as well."""

SUBJECTS = ("with a start-up probe", "without")


def main(arguments: Sequence[str]) -> None:
    """Print one line for each attempt."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one attempt each")
    repeats = 1 if parser.parse_args(arguments).quick else 6
    for repeat in range(repeats):
        for subject in SUBJECTS if repeat % 3 == 0 else SUBJECTS[:1]:
            line = asyncio.run(_attempt(subject, repeat))
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


async def _attempt(subject: str, repeat: int) -> dict[str, Any]:
    twin = subject == "without"
    rules = kubernetes(FACTOR, startup_failures=None if twin else FAILURES)
    container = service({"SERVICE_HEALTH__KIND": "standard", "SERVICE_HEALTH__STARTUP_S": str(STARTUP_S)})
    begun_s = time.monotonic()
    async with orchestrated([container] * REPLICAS, rules, f"{subject} {repeat}") as cluster:
        await _watched(cluster, WATCHED_S if twin else LONGEST_S)
        ready = len({event.replica for event in cluster.seen("in")})
        line = {
            "subject": subject,
            "case": f"attempt {repeat + 1}",
            "repeat": repeat,
            "cases": REPLICAS,
            "kills": _killed_before_ready(cluster),
            "restarts": len(cluster.seen("restart")),
            "sigkills": len(cluster.seen("kill")),
            "ready": ready,
            "ready_s": max((event.at_s - begun_s for event in cluster.seen("in")), default=None),
            "factor": FACTOR,
        }
    if not twin and ready < REPLICAS:
        # A service that cannot start is not killed either: that would be taken for the probe's merit.
        raise RuntimeError(f"{ready} of {REPLICAS} replicas got ready: {cluster.seen('exit')[:3]}")
    return line | ({"twin": True} if twin else {})


async def _watched(cluster: Cluster, seconds: float) -> None:
    """Until all are ready, but no longer than that."""
    deadline_s = time.monotonic() + seconds
    while time.monotonic() < deadline_s and not all(replica.ready for replica in cluster.replicas):  # noqa: ASYNC110  (a clock and a process set no event)
        await asyncio.sleep(0.02)


def _killed_before_ready(cluster: Cluster) -> int:
    first_in = {event.replica: event.at_s for event in reversed(cluster.seen("in"))}
    restarts = cluster.seen("restart")
    return len({event.replica for event in restarts if event.at_s < first_in.get(event.replica, float("inf"))})


if __name__ == "__main__":
    main(sys.argv[1:])
