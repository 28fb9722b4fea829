"""Reads of a cached product that are older than a change already acknowledged, counted one by one, as JSON lines.

``python -m targets.probes.stale_reads [--repeats 5] [--seconds 2.5] [--seed 0] [--quick]``

It needs DATABASE_URL and REDIS_URL.  Two processes share one database and one Valkey: changes go through the one,
reads through the other.  Every answer carries the product's version.  A read is stale if it was *sent* after a newer
version had been *acknowledged* to its writer; its staleness is the time from that acknowledgement to the sending.  A
load takes ``COMPUTE_MS``, so that the race of an invalidation with a load under way comes often; changes come at random
times, so that what a race has left may live on to its end.

Each line is one run: ``{"subject", "repeat", "cases", "reads", "stale", "max_stale_ms", "beyond_bound", "ttl_s",
"changes"}``; subjects are the cache's strategies and ``off``, the control: without a cache no read can be stale.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx

from targets.probes.served import served

TTL_S = 1.0
COMPUTE_MS = 30
SLACK_MS = 100.0
"""An entry's life begins when it is set: a load that took so long, and the way back, come on top."""
HOT = (1, 2, 3, 4, 5)
READERS = 8
CHANGE_EVERY_S = 0.4
"""On average, at random: a next change soon takes a stale entry away, a late one leaves it its whole life."""

STORED = {"SERVICE_DATA__KIND": "postgres"}
STRATEGIES = ("aside", "aside_versioned", "write_through")


def settings_of(subject: str) -> dict[str, str]:
    """Settings of both processes; keys of their own for each strategy."""
    if subject == "off":
        return STORED
    return STORED | {
        "SERVICE_CACHE__KIND": "l2",
        "SERVICE_CACHE__STRATEGY": subject,
        "SERVICE_CACHE__TTL_S": str(TTL_S),
        "SERVICE_CACHE__COMPUTE_MS": str(COMPUTE_MS),
        "SERVICE_CACHE__NAMESPACE": f"stale-{subject}",
    }


@dataclass(slots=True)
class Seen:
    """What was acknowledged and read of one product, in time; it grows while the tasks run."""

    acknowledged_ns: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    """The version of each acknowledgement; they rise, since one writer changes a product."""
    reads: list[tuple[int, int]] = field(default_factory=list)
    """(sent, version)."""


def main(arguments: Sequence[str]) -> None:
    """Print one line for each strategy and repeat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one repeat of 1.5 s")
    chosen = parser.parse_args(arguments)
    repeats, seconds = (1, 1.5) if chosen.quick else (max(1, chosen.repeats), max(0.5, chosen.seconds))
    for subject in ("off", *STRATEGIES):
        with ExitStack() as stack:
            urls = [stack.enter_context(served(settings_of(subject))) for _ in range(2)]
            for repeat in range(repeats):
                # What a repeat has left in the cache is gone before the next one begins.
                time.sleep(TTL_S + COMPUTE_MS / 1e3)
                seen = asyncio.run(_observe(urls, seconds, random.Random(f"{chosen.seed}-{subject}-{repeat}")))
                line = {"subject": subject, "repeat": repeat, "ttl_s": TTL_S, **counted(seen)}
                sys.stdout.write(json.dumps(line) + "\n")
                sys.stdout.flush()


async def _observe(urls: Sequence[str], seconds: float, draw: random.Random) -> Mapping[int, Seen]:
    """Change through the first process and read through the second, for so long."""
    seen = {number: Seen() for number in HOT}
    until = time.monotonic() + seconds
    async with httpx.AsyncClient(timeout=30) as client:
        changes = [_change(client, urls[0], number, seen[number], until, draw) for number in HOT]
        reads = [_read(client, urls[1], seen, until, random.Random(draw.random())) for _ in range(READERS)]
        await asyncio.gather(*changes, *reads)
    return seen


async def _change(
    client: httpx.AsyncClient, url: str, number: int, seen: Seen, until: float, draw: random.Random
) -> None:
    while time.monotonic() < until:
        body = {"price": f"{draw.randrange(100, 99_999) / 100:.2f}"}
        answer = await client.patch(f"{url}/api/v1/products/{number}", json=body)
        acknowledged_ns = time.monotonic_ns()
        answer.raise_for_status()
        seen.acknowledged_ns.append(acknowledged_ns)
        seen.versions.append(int(answer.json()["version"]))
        await asyncio.sleep(draw.expovariate(1 / CHANGE_EVERY_S))


async def _read(
    client: httpx.AsyncClient, url: str, seen: Mapping[int, Seen], until: float, draw: random.Random
) -> None:
    while time.monotonic() < until:
        number = draw.choice(HOT)
        sent_ns = time.monotonic_ns()
        answer = await client.get(f"{url}/api/v1/products/{number}")
        answer.raise_for_status()
        seen[number].reads.append((sent_ns, int(answer.json()["version"])))


def counted(seen: Mapping[int, Seen]) -> dict[str, float | int]:
    """Count the stale reads and the longest staleness."""
    stale_ms = [
        late for one in seen.values() for sent, version in one.reads if (late := staleness_ms(one, sent, version))
    ]
    longest_ms = max(stale_ms, default=0.0)
    return {
        "cases": 1,
        "reads": sum(len(one.reads) for one in seen.values()),
        "stale": len(stale_ms),
        "max_stale_ms": longest_ms,
        "beyond_bound": int(longest_ms > TTL_S * 1e3 + COMPUTE_MS + SLACK_MS),
        "changes": sum(len(one.versions) for one in seen.values()),
    }


def staleness_ms(seen: Seen, sent_ns: int, version: int) -> float:
    """How long before the sending a newer version had been acknowledged; 0 where the read was fresh."""
    newer = bisect_right(seen.versions, version)
    if newer == len(seen.versions) or seen.acknowledged_ns[newer] >= sent_ns:
        return 0.0
    return (sent_ns - seen.acknowledged_ns[newer]) / 1e6


if __name__ == "__main__":
    main(sys.argv[1:])
