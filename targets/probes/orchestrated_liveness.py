"""What an orchestrator does to replicas whose database stalls, by what liveness looks at, as JSON lines.

``python -m targets.probes.orchestrated_liveness [--quick]``

It needs DATABASE_URL (seeded).  Two replicas behind a simulated orchestrator with Kubernetes' default rules, FACTOR
times as fast; all bytes between them and PostgreSQL wait for STALL_S, which stands for FACTOR times as long.  Users
send RATE_RPS requests that need the database.

Each line is one stall: ``{"subject", "case", "repeat", "cases", "restarts", "kills", "requests", "failed", "outcomes",
"back_s", "factor"}``.

- ``cases`` are the replicas that met the stall, ``restarts`` those of them that were restarted, ``kills`` those whose
  grace period ran out.
- ``back_s`` is the time from the end of the stall until users got an answer again, null where BACK_S was not enough.
- Readiness asks the database under both subjects, so that users lose the stall itself either way; what ``deep`` adds
  is ``back_s``.
- ``deep``, where liveness asks the database, is the twin: its replicas must be restarted, or nobody could see it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from targets.orchestrator.cluster import Cluster, orchestrated, visited
from targets.orchestrator.relay import Relay, relayed
from targets.orchestrator.rules import kubernetes
from targets.orchestrator.service import service

FACTOR = 20.0
STALL_S = 3.0
BACK_S = 12.0
REPLICAS = 2
RATE_RPS = 20.0
PATH = "/api/v1/orders?limit=1"

SUBJECTS = ("simple", "deep")


def main(arguments: Sequence[str]) -> None:
    """Print one line for each stall."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one stall each")
    quick = parser.parse_args(arguments).quick
    asyncio.run(_run(repeats=1 if quick else 3, stalls={"simple": 1 if quick else 3, "deep": 1}))


async def _run(repeats: int, stalls: dict[str, int]) -> None:
    for repeat in range(repeats):
        for subject in SUBJECTS:
            await _observe(subject, repeat, stalls[subject])


async def _observe(subject: str, repeat: int, stalls: int) -> None:
    async with relayed(os.environ["DATABASE_URL"]) as (relay, url):
        settings = {
            "SERVICE_DATA__KIND": "postgres",
            "SERVICE_HEALTH__KIND": "standard",
            "SERVICE_HEALTH__LIVENESS": subject,
            "DATABASE_URL": url,
        }
        containers = [service(settings)] * REPLICAS
        async with orchestrated(containers, kubernetes(FACTOR), f"{subject} {repeat}") as cluster:
            for number in range(stalls):
                await cluster.until_ready(REPLICAS)
                async with visited(cluster, PATH, RATE_RPS):
                    await asyncio.sleep(0.5)
                    line = await _stalled(cluster, relay)
                case = f"stall {repeat * stalls + number + 1}"
                line = {"subject": subject, "case": case, "repeat": repeat, "cases": REPLICAS, **line, "factor": FACTOR}
                sys.stdout.write(json.dumps(line | ({"twin": True} if subject == "deep" else {})) + "\n")
                sys.stdout.flush()


async def _stalled(cluster: Cluster, relay: Relay) -> dict[str, Any]:
    """Stall, resume, and wait until users are served again."""
    begun_s = time.monotonic()
    relay.stall()
    await asyncio.sleep(STALL_S)
    relay.resume()
    over_s = time.monotonic()
    back_s = None
    while back_s is None and time.monotonic() < over_s + BACK_S:
        await asyncio.sleep(0.02)
        back_s = min((one.at_s + one.took_s - over_s for one in cluster.sent if _served(one, over_s)), default=None)
    failed = [one for one in cluster.sent if one.at_s >= begun_s and one.outcome != "ok"]
    return {
        "restarts": len({event.replica for event in cluster.seen("restart", begun_s)}),
        "kills": len(cluster.seen("kill", begun_s)),
        "requests": sum(one.at_s >= begun_s for one in cluster.sent),
        "failed": len(failed),
        "outcomes": Counter(one.outcome for one in failed),
        "back_s": back_s,
    }


def _served(one: Any, over_s: float) -> bool:
    return bool(one.outcome == "ok" and one.at_s >= over_s)


if __name__ == "__main__":
    main(sys.argv[1:])
