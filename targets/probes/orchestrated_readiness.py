"""What an orchestrator learns of failed dependencies from readiness, as JSON lines.

``python -m targets.probes.orchestrated_readiness [--quick]``

It needs DATABASE_URL (seeded) and REDIS_URL.  Two replicas behind a simulated orchestrator with Kubernetes' default
rules, FACTOR times as fast, while users send RATE_RPS requests to those that are ready.

- ``{"subject", "case": "one replica loses its database", "repeat", "cases", "missed", "detected_s", "requests",
  "failed", "outcomes", "factor"}``: the connections of one of the two end and are refused.  ``detected_s`` is the
  time until it
  gets no more requests, ``missed`` 1 where WAIT_S was not enough.  Under ``deep`` readiness asks the dependencies;
  under ``shallow``, the twin, it asks nobody and must miss it.
- ``{"subject", "case": "all replicas lose the cache", "repeat", "cases", "ejected_all", "ejected_s", "requests",
  "failed", "outcomes", "factor"}``: ``ejected_all`` is 1 where no replica was left.  Under ``deep`` the cache is
  optional; under ``all required``, the twin, it is not, and all must be ejected.
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
from typing import Any, NamedTuple

from targets.orchestrator.cluster import Cluster, orchestrated, visited
from targets.orchestrator.relay import Relay, relayed
from targets.orchestrator.rules import kubernetes
from targets.orchestrator.service import service

FACTOR = 20.0
WAIT_S = 4.0
"""Twice what three failures in a row take, with their time-outs."""
REPLICAS = 2
RATE_RPS = 20.0
STORED, CACHED = "/api/v1/orders?limit=1", "/api/v1/products/1"

HEALTH: Mapping[str, Mapping[str, str]] = {
    "deep": {"SERVICE_HEALTH__KIND": "standard", "SERVICE_HEALTH__OPTIONAL": '["cache"]'},
    "shallow": {"SERVICE_HEALTH__KIND": "shallow"},
    "all required": {"SERVICE_HEALTH__KIND": "standard", "SERVICE_HEALTH__REQUIRED": '["cache"]'},
}


class Plan(NamedTuple):
    """How often each failure is made in one cluster."""

    subject: str
    databases: int
    caches: int


QUICK = (Plan("deep", 1, 1), Plan("shallow", 1, 0), Plan("all required", 0, 1))
WHOLE = (Plan("deep", 4, 4), Plan("shallow", 2, 0), Plan("all required", 0, 2), Plan("deep", 4, 4))


class Behind(NamedTuple):
    """Between the replicas and their dependencies: one relay each to the database, one for all to the cache."""

    databases: list[Relay]
    cache: Relay


def main(arguments: Sequence[str]) -> None:
    """Print one line for each failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="each failure once")
    plans = QUICK if parser.parse_args(arguments).quick else WHOLE
    for number, plan in enumerate(plans):
        asyncio.run(_observe(plan, number))


async def _observe(plan: Plan, number: int) -> None:
    async with AsyncExitStack() as stack:
        cache, cache_url = await stack.enter_async_context(relayed(os.environ["REDIS_URL"]))
        settings = {"SERVICE_DATA__KIND": "postgres", "SERVICE_CACHE__KIND": "l2", "REDIS_URL": cache_url}
        settings |= {"SERVICE_CACHE__NAMESPACE": f"orchestrated-{os.getpid()}", "SERVICE_CACHE__TTL_S": "60"}
        behind, containers = Behind([], cache), []
        for _ in range(REPLICAS):
            relay, url = await stack.enter_async_context(relayed(os.environ["DATABASE_URL"]))
            behind.databases.append(relay)
            containers.append(service(settings | {**HEALTH[plan.subject], "DATABASE_URL": url}))
        seed = f"{plan.subject} {number}"
        cluster = await stack.enter_async_context(orchestrated(containers, kubernetes(FACTOR), seed))
        for repeat in range(plan.databases):
            _print(plan, number, repeat, twin="shallow", line=await _one_fails(cluster, behind, repeat))
        for repeat in range(plan.caches):
            _print(plan, number, repeat, twin="all required", line=await _all_fail(cluster, behind))


def _print(plan: Plan, number: int, repeat: int, *, twin: str, line: dict[str, Any]) -> None:
    whole = {"subject": plan.subject, "repeat": 100 * number + repeat, "cases": 1, "factor": FACTOR, **line}
    sys.stdout.write(json.dumps(whole | ({"twin": True} if plan.subject == twin else {})) + "\n")
    sys.stdout.flush()


async def _one_fails(cluster: Cluster, behind: Behind, repeat: int) -> dict[str, Any]:
    """Cut one replica from its database, until it is out and some time longer."""
    victim = repeat % REPLICAS
    await cluster.until_ready(REPLICAS)
    async with visited(cluster, STORED, RATE_RPS):
        await asyncio.sleep(0.5)
        begun_s = time.monotonic()
        behind.databases[victim].cut()
        out = await _until(lambda: not cluster.replicas[victim].ready, begun_s)
        await asyncio.sleep(0.5)
    ended_s = time.monotonic()
    await behind.databases[victim].mend()
    line = {"case": "one replica loses its database", "missed": int(out is None), "detected_s": out}
    return line | _users(cluster, begun_s, ended_s)


async def _all_fail(cluster: Cluster, behind: Behind) -> dict[str, Any]:
    """Cut all replicas from the cache, until all are out and some time longer."""
    await cluster.until_ready(REPLICAS)
    async with visited(cluster, CACHED, RATE_RPS):
        await asyncio.sleep(0.5)
        begun_s = time.monotonic()
        behind.cache.cut()
        out = await _until(lambda: not any(one.ready for one in cluster.replicas), begun_s)
        await asyncio.sleep(0.5)
    ended_s = time.monotonic()
    await behind.cache.mend()
    line = {"case": "all replicas lose the cache", "ejected_all": int(out is not None), "ejected_s": out}
    return line | _users(cluster, begun_s, ended_s)


async def _until(happened: Any, begun_s: float) -> float | None:
    """Give the seconds until it happened; None where WAIT_S was not enough."""
    while time.monotonic() < begun_s + WAIT_S:
        if happened():
            return time.monotonic() - begun_s
        await asyncio.sleep(0.005)
    return None


def _users(cluster: Cluster, begun_s: float, ended_s: float) -> dict[str, Any]:
    outcomes = cluster.failed(begun_s, ended_s)
    requests = cluster.count(begun_s, ended_s)
    return {"requests": requests, "failed": sum(outcomes.values()), "outcomes": outcomes}


if __name__ == "__main__":
    main(sys.argv[1:])
