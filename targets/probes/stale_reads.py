"""Reads of a cached product that are older than a change already acknowledged, counted one by one, as JSON lines.

``python -m targets.probes.stale_reads [--repeats 6] [--seconds 2.5] [--seed 0] [--quick]``

It needs DATABASE_URL and REDIS_URL.  Two processes share one database and one Valkey: changes go through the one,
reads through the other.  Every answer carries the product's version.  A read is stale if it was *sent* after a newer
version had been *acknowledged* to its writer; its staleness is the time from that acknowledgement to the sending.  A
load takes ``COMPUTE_MS``, so that the race of an invalidation with a load under way comes often; changes come at random
times, so that what a race has left may live on to its end.

Each line is one run: ``{"subject", "repeat", "cases", "reads", "stale", "max_stale_ms", "beyond_bound", "ttl_s",
"changes"}``.

- ``cases`` are the races that a change lost: old versions of a product that were read after a newer one was
  acknowledged.  Reads are no cases: one race makes a hundred of them stale.  ``beyond_bound`` counts the races whose
  old version was read for longer than an entry lives.
- Subjects are the cache's strategies; ``off``, the control: without a cache no read can be stale; and the twin, a cache
  inside each process whose entries live longer than ``ttl_s`` says: it must be beyond the bound in each run.
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
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx

from targets.probes import plain
from targets.probes.served import served

TTL_S = 1.0
COMPUTE_MS = 30
SLACK_MS = 100.0
"""An entry's life begins when it is set: a load that took so long, and the way back, come on top."""
BOUND_MS = TTL_S * 1e3 + COMPUTE_MS + SLACK_MS
HOT = (1, 2, 3, 4, 5)
READERS = 8
CHANGE_EVERY_S = 0.4
"""On average, at random: a next change soon takes a stale entry away, a late one leaves it its whole life."""

STORED = {"SERVICE_DATA__KIND": "postgres"}
STRATEGIES = ("aside", "aside_versioned", "write_through")
TWIN = "in each process"
TWIN_TTL_S = 10.0
"""No run lasts as long: what the reading process has loaded it never loads again."""


def settings_of(subject: str) -> dict[str, str]:
    """Settings of both processes; keys of their own for each strategy."""
    if subject == "off":
        return STORED
    kind, strategy, ttl_s = ("l1", "aside", TWIN_TTL_S) if subject == TWIN else ("l2", subject, TTL_S)
    return STORED | {
        "SERVICE_CACHE__KIND": kind,
        "SERVICE_CACHE__STRATEGY": strategy,
        "SERVICE_CACHE__TTL_S": str(ttl_s),
        "SERVICE_CACHE__COMPUTE_MS": str(COMPUTE_MS),
        "SERVICE_CACHE__NAMESPACE": f"stale-{subject.replace(' ', '-')}",
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
    parser.add_argument("--repeats", type=int, default=6, help="of aside; half as many of the others")
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one repeat of 2 s")
    chosen = parser.parse_args(arguments)
    repeats, seconds = (1, 2.0) if chosen.quick else (max(1, chosen.repeats), max(2.0, chosen.seconds))
    for subject in ("off", *STRATEGIES, TWIN):
        with ExitStack() as stack, ThreadPoolExecutor(2) as pool:
            urls = list(pool.map(lambda each: stack.enter_context(served(each)), [settings_of(subject)] * 2))
            for repeat in range(repeats if subject == "aside" else max(1, repeats // 2)):
                if subject != "off":
                    _forget(urls)
                seen = asyncio.run(_observe(urls, seconds, random.Random(f"{chosen.seed}-{subject}-{repeat}")))
                line = {"subject": subject, "repeat": repeat, "ttl_s": TTL_S, **counted(seen)}
                sys.stdout.write(json.dumps(line | ({"twin": True} if subject == TWIN else {})) + "\n")
                sys.stdout.flush()


def _forget(urls: Sequence[str]) -> None:
    """Empty the cache of both processes: what a run has left would be read, and not understood, in the next one."""
    for url in urls:
        httpx.post(f"{url}/internal/cache/clear").raise_for_status()


async def _observe(urls: Sequence[str], seconds: float, draw: random.Random) -> Mapping[int, Seen]:
    """Change through the first process and read through the second, for so long."""
    seen = {number: Seen() for number in HOT}
    until = time.monotonic() + seconds
    async with plain.client(timeout=30) as client:
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
    """Count stale reads, the races that they come from, and those races that lasted too long."""
    races_ms: dict[tuple[int, int], float] = {}
    stale = 0
    for number, one in seen.items():
        for sent_ns, version in one.reads:
            late_ms = staleness_ms(one, sent_ns, version)
            if late_ms:
                stale += 1
                races_ms[number, version] = max(late_ms, races_ms.get((number, version), 0.0))
    return {
        "cases": len(races_ms),
        "reads": sum(len(one.reads) for one in seen.values()),
        "stale": stale,
        "max_stale_ms": max(races_ms.values(), default=0.0),
        "beyond_bound": sum(late_ms > BOUND_MS for late_ms in races_ms.values()),
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
