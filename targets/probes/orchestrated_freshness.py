"""How soon an orchestrator learns of a failed database from a readiness that is fresh or kept, as JSON lines.

``python -m targets.probes.orchestrated_freshness [--quick]``

It needs DATABASE_URL (seeded).  Three replicas, whose readiness is fresh or kept for 2 or 5 s, each behind a simulated
orchestrator of its own; all lose their database at one moment and are asked at the same moments.  Everything is a
``factor`` times as fast: the kept answers as well.

Each line is one loss as one of them saw it: ``{"subject", "repeat", "period_s", "detected_s", "missed", "requests",
"failed", "factor"}``.

- ``period_s`` is the time from one question to the next as it would be at full length: 10 s are Kubernetes' default,
  and 1 s is the shortest that it takes.
- ``detected_s`` is measured, so ``factor`` times shorter: from the loss until the replica gets no more requests.
- ``failed`` are requests that users sent to it in that time and that failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random
from typing import Any, NamedTuple

from targets.orchestrator.cluster import Cluster, orchestrated, visited
from targets.orchestrator.relay import Relay, relayed
from targets.orchestrator.rules import Rules, kubernetes
from targets.orchestrator.service import service

RATE_RPS = 20.0
PATH = "/api/v1/orders?limit=1"
KEPT_S: Mapping[str, float] = {"fresh": 0.0, "kept 2 s": 2.0, "kept 5 s": 5.0}
WAIT_S = 6.0
"""Longer than three failures in a row and the longest kept answer, scaled."""


class Pace(NamedTuple):
    """How often the orchestrator asks, and how much faster than in the world all goes."""

    period_s: float
    factor: float


PACES = (Pace(1.0, 5.0), Pace(10.0, 20.0))


def main(arguments: Sequence[str]) -> None:
    """Print one line for each loss and replica."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one loss at each pace")
    processes, losses = (1, 1) if parser.parse_args(arguments).quick else (2, 4)
    for number in range(processes):
        for pace in PACES:
            asyncio.run(_observe(pace, number, losses))


async def _observe(pace: Pace, number: int, losses: int) -> None:
    draw = Random(f"{pace} {number}")
    async with AsyncExitStack() as stack:
        relay, url = await stack.enter_async_context(relayed(os.environ["DATABASE_URL"]))
        clusters = {}
        for subject, kept_s in KEPT_S.items():
            settings = {
                "SERVICE_HEALTH__KIND": "standard",
                "SERVICE_HEALTH__CACHE_S": str(kept_s / pace.factor),
                "SERVICE_DATA__KIND": "postgres",
            }
            container = service(settings | {"DATABASE_URL": url})
            # One seed: all three are asked at the same moments, so that they differ by what they keep alone.
            cluster = await stack.enter_async_context(orchestrated([container], _rules(pace), f"{pace} {number}"))
            clusters[subject] = cluster
        for loss in range(losses):
            repeat = number * losses + loss
            for subject, line in (await _lost(clusters, relay, pace, draw)).items():
                whole = {"subject": subject, "repeat": repeat, "period_s": pace.period_s, "factor": pace.factor}
                sys.stdout.write(json.dumps(whole | line) + "\n")
                sys.stdout.flush()


def _rules(pace: Pace) -> Rules:
    rules = kubernetes(pace.factor)
    ready = replace(rules.checks["readiness"], period_s=pace.period_s / pace.factor)
    # Without liveness, which has nothing to say here.
    return replace(rules, checks={"startup": rules.checks["startup"], "readiness": ready})


async def _lost(clusters: Mapping[str, Cluster], relay: Relay, pace: Pace, draw: Random) -> dict[str, dict[str, Any]]:
    """Cut all from the database at once, wait until all are out, and give each replica's part."""
    await asyncio.gather(*(cluster.until_ready(1) for cluster in clusters.values()))
    async with AsyncExitStack() as stack:
        for cluster in clusters.values():
            await stack.enter_async_context(visited(cluster, PATH, RATE_RPS))
        # Anywhere in a period, and in the life of a kept answer.
        await asyncio.sleep(0.3 + draw.random() * max(pace.period_s, *KEPT_S.values()) / pace.factor)
        begun_s = time.monotonic()
        relay.cut()
        while any(one.replicas[0].ready for one in clusters.values()) and time.monotonic() < begun_s + WAIT_S:  # noqa: ASYNC110  (a clock and a process set no event)
            await asyncio.sleep(0.005)
    await relay.mend()
    return {subject: _line(cluster, begun_s) for subject, cluster in clusters.items()}


def _line(cluster: Cluster, begun_s: float) -> dict[str, Any]:
    out = cluster.seen("out", begun_s)
    until_s = out[0].at_s if out else time.monotonic()
    found = {"requests": cluster.count(begun_s, until_s), "failed": sum(cluster.failed(begun_s, until_s).values())}
    return {"missed": int(not out), **found} | ({"detected_s": until_s - begun_s} if out else {})


if __name__ == "__main__":
    main(sys.argv[1:])
