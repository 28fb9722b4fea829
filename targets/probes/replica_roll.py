"""What users lose while two replicas are replaced, one after the other, behind a client that knows both.

``python -m targets.probes.replica_roll [--quick] [--servers uvicorn,granian]``

Two replicas behind a simulated orchestrator; one after the other gets SIGTERM and is replaced once it has ended.  As in
Kubernetes the signal comes at once, and whoever sends requests learns of it on a way of its own: after WITHDRAWN_S, or
when readiness fails.  Users send RATE_RPS requests in turn to those replicas that are ready, each on a connection of
its own, every third of them with SLOW_MS of work; none is ever repeated.

Each line is one replacement: ``{"subject", "case", "repeat", "cases": 1, "struck", "requests", "failed", "outcomes",
"exit_s", "back_s"}``.

- ``failed`` counts the users' requests that failed, ``outcomes`` by class (refused, reset, eof, timeout, a status,
  ``no endpoint``), and ``struck`` is 1 where there was one.
- ``exit_s`` is the time from SIGTERM to the end, ``back_s`` to the readiness of the next.
- Under ``drained`` the service holds SIGTERM back for DRAIN_S, is not ready, and serves on; under ``undrained``, the
  twin, the server gets it at once, and requests must be refused (``of`` says whose twin it is).
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import itertools
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from targets.orchestrator.cluster import Cluster, orchestrated, visited
from targets.orchestrator.fetching import HOST
from targets.orchestrator.replica import Container, Replica
from targets.orchestrator.rules import Check, Rules

APP = "targets.truth.slow:app"
SERVERS = ("uvicorn", "granian", "gunicorn", "gunicorn_asgi")

WITHDRAWN_S = 0.4
"""Endpoints take from some tenths of a second to seconds in a real cluster."""
DRAIN_S = 1.0
"""Longer than it takes to be withdrawn."""
RATE_RPS = 40.0
SLOW_MS = 250
CALM_S = 0.3
"""Between two replacements: requests that failed belong to one of them."""
REPLICAS = 2

RULES = Rules(
    {"readiness": Check("/health/ready", period_s=0.25, timeout_s=1.0, failure_threshold=3)},
    grace_s=10.0,
    settled_s=0.0,
)


def main(arguments: Sequence[str]) -> None:
    """Print one line for each replacement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one roll of each server, and of one twin")
    parser.add_argument("--servers", default=",".join(SERVERS), help="those of targets/servers, with commas between")
    chosen = parser.parse_args(arguments)
    asyncio.run(_run(chosen.servers.split(","), quick=chosen.quick))


async def _run(servers: Sequence[str], *, quick: bool) -> None:
    """Roll drained replicas and their twins at the same time: waiting costs nothing, and the load is small."""
    for server in servers:
        async with asyncio.TaskGroup() as group:
            group.create_task(_rolled(server, drained=True, rolls=1 if quick else 3))
            if not quick or server == servers[0]:
                group.create_task(_rolled(server, drained=False, rolls=1))


async def _rolled(server: str, *, drained: bool, rolls: int) -> None:
    subject = f"{server}, {'drained' if drained else 'undrained'}"
    async with orchestrated([_container(server, drained=drained)] * REPLICAS, RULES, subject) as cluster:
        await cluster.until_ready(REPLICAS)
        paths = itertools.cycle(("/quick", "/quick", f"/slow?ms={SLOW_MS}"))
        async with visited(cluster, lambda: next(paths), RATE_RPS):
            for number in range(rolls * REPLICAS):
                await asyncio.sleep(CALM_S)
                line = await _replaced(cluster, cluster.replicas[number % REPLICAS])
                case = {"case": f"{server}, replacement {number + 1}", "repeat": number, "cases": 1}
                twin = {} if drained else {"twin": True, "of": f"{server}, drained"}
                sys.stdout.write(json.dumps({"subject": subject, **case, **line, **twin}) + "\n")
                sys.stdout.flush()


def _container(server: str, *, drained: bool) -> Container:
    command = importlib.import_module(f"targets.servers.{server}").command

    def argv(port: int) -> list[str]:
        given: list[str] = command(python=sys.executable, app=APP, factory=False, host=HOST, port=port, options={})
        return given

    return Container(argv, {**os.environ, **({"DRAIN_S": str(DRAIN_S)} if drained else {})})


async def _replaced(cluster: Cluster, replica: Replica) -> dict[str, Any]:
    """Replace one replica, and wait until the next is ready and what was sent meanwhile has come back."""
    begun_s = time.monotonic()
    await replica.replace(WITHDRAWN_S)
    exit_s = time.monotonic() - begun_s
    await cluster.until_ready(REPLICAS)
    ended_s = time.monotonic()
    await asyncio.sleep(CALM_S + SLOW_MS / 1000)
    outcomes = cluster.failed(begun_s - SLOW_MS / 1000, ended_s)
    return {
        "struck": int(bool(outcomes)),
        "requests": cluster.count(begun_s - SLOW_MS / 1000, ended_s),
        "failed": sum(outcomes.values()),
        "outcomes": outcomes,
        "exit_s": exit_s,
        "back_s": ended_s - begun_s,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
