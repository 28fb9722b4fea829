"""What questions after readiness take away from users where the database is slow and the pool small, as JSON lines.

``python -m targets.probes.health_pool_use [--quick]``

It needs DATABASE_URL (seeded).  The way to the database takes ROUND_TRIP_S, the service has POOL connections and waits
POOL_TIMEOUT_S for one; users come at an even rate that leaves part of the pool free.  Beside them somebody asks
/health/ready at a pace.

Each line is one run of a new process: ``{"subject", "case", "repeat", "asked_rps", "cases", "refused", "asked",
"asked_refused", "user_p50_ms"}``.

- ``cases`` are the users' requests, ``refused`` those answered with 503: no connection within the time.
- ``nobody asks`` is the control: it must refuse nothing, or the load by itself is too much.
- ``fresh`` at the pace of a crowd of load balancers is the twin: it must refuse some, or nobody could see it.
- Nothing is scaled here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from targets.orchestrator.cluster import free_port
from targets.orchestrator.fetching import HOST, Answer, fetch
from targets.probes.cache_relay import relayed
from targets.probes.served import served

ROUND_TRIP_S = 0.03
POOL = 2
POOL_TIMEOUT_S = 0.3
USER_RPS = 8.0
PATH = "/api/v1/orders?limit=1"
TIMEOUT_S = 5.0
CROWD_RPS = 40.0
"""Twenty load balancers that ask twice a second."""


class Plan(NamedTuple):
    """Who asks how often, and for how long an answer is kept."""

    subject: str
    asked_rps: float
    kept_s: float = 0.0


PLANS = (
    Plan("nobody asks", 0.0),
    Plan("fresh", 1.0),
    Plan("fresh", CROWD_RPS),
    Plan("kept 5 s", CROWD_RPS, 5.0),
)


def main(arguments: Sequence[str]) -> None:
    """Print one line for each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one run of 2 s each")
    repeats, seconds = (1, 2.0) if parser.parse_args(arguments).quick else (2, 5.0)
    parts = urlsplit(os.environ["DATABASE_URL"])
    with relayed(parts.hostname or HOST, parts.port or 0, ROUND_TRIP_S) as port:
        user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        os.environ["DATABASE_URL"] = parts._replace(netloc=f"{user}{HOST}:{port}").geturl()
        for repeat in range(repeats):
            for plan in PLANS:
                sys.stdout.write(json.dumps(_line(plan, repeat, seconds)) + "\n")
                sys.stdout.flush()


def _line(plan: Plan, repeat: int, seconds: float) -> dict[str, Any]:
    settings = {
        "SERVICE_DATA__KIND": "postgres",
        "SERVICE_DATA__POOL_SIZE": str(POOL),
        "SERVICE_DATA__MAX_OVERFLOW": "0",
        "SERVICE_DATA__POOL_TIMEOUT_S": str(POOL_TIMEOUT_S),
        "SERVICE_HEALTH__KIND": "standard",
        "SERVICE_HEALTH__CACHE_S": str(plan.kept_s),
    }
    with served(settings) as url:
        port = urlsplit(url).port or free_port()
        users, others = asyncio.run(_loaded(port, plan, seconds))
    refused = sum(answer.status == 503 for answer, _ in users)  # noqa: PLR2004  (Service Unavailable)
    line: dict[str, Any] = {
        "subject": plan.subject,
        "case": f"{plan.subject}, {plan.asked_rps:g}/s",
        "repeat": repeat,
        "asked_rps": plan.asked_rps,
        "cases": len(users),
        "refused": refused,
        "other_failures": sum(not answer.good for answer, _ in users) - refused,
        "asked": len(others),
        "asked_refused": sum(not answer.good for answer, _ in others),
        "user_p50_ms": statistics.median(took_s for _, took_s in users) * 1e3,
    }
    if not plan.asked_rps:
        line |= {"control": True, "failed": refused}
    return line | ({"twin": True} if (plan.subject, plan.asked_rps) == ("fresh", CROWD_RPS) else {})


async def _loaded(
    port: int, plan: Plan, seconds: float
) -> tuple[list[tuple[Answer, float]], list[tuple[Answer, float]]]:
    """Give what users and those who ask got, each with its time; the pool is filled before."""
    await asyncio.gather(*(fetch(port, PATH, TIMEOUT_S) for _ in range(POOL)))
    users = _evenly(port, PATH, USER_RPS, seconds)
    others = _evenly(port, "/health/ready", plan.asked_rps, seconds)
    found = await asyncio.gather(users, others)
    return found[0], found[1]


async def _evenly(port: int, path: str, rate_rps: float, seconds: float) -> list[tuple[Answer, float]]:
    begun_s = time.monotonic()
    tasks = []
    for number in range(int(rate_rps * seconds)):
        await asyncio.sleep(begun_s + number / rate_rps - time.monotonic())
        tasks.append(asyncio.create_task(_timed(port, path)))
    return await asyncio.gather(*tasks)


async def _timed(port: int, path: str) -> tuple[Answer, float]:
    begun_s = time.monotonic()
    answer = await fetch(port, path, TIMEOUT_S)
    return answer, time.monotonic() - begun_s


if __name__ == "__main__":
    main(sys.argv[1:])
