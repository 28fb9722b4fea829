"""Times of one GET of 1 KB from the Valkey that REDIS_URL names, as JSON lines, over round trips of several lengths.

``python -m targets.probes.cache_l2 [--repeats 12] [--operations 1000] [--seed 0] [--quick]``

Each line is ``{"subject", "rtt_ms", "repeat", "operations", "p50_us", "p99_us", "cpu_us", "p50_ms", "added_ms"}``: one
GET after the other on one connection, through the service's own client.

- ``subject`` ``valkey`` with ``rtt_ms`` 0 is the way as it is; with more, through a relay that adds the round trip.
- ``subject`` ``relay`` is the relay without a delay: what it costs by itself is its ``added_ms``.
- ``added_ms`` is the median less that of the direct way in the same repeat.  It is ``rtt_ms`` and
  the relay's cost together, and a little more where timers are late (see ``cache_relay``).
- ``cpu_us`` is the CPU time of the client's thread per GET, without the relay's.

With longer round trips fewer operations are made, so that the whole stays below a minute.  A repeat takes each way
once, in an order drawn anew.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from redis.asyncio import Redis

from targets.probes.cache_relay import HOST, relayed
from targets.service.cache.client import connected
from targets.service.cache.url import VARIABLE, complaint

ROUND_TRIPS_MS = (0.2, 0.5, 1.0, 2.0)
VALUE = b"x" * 1024
SLICE_S = 0.5
"""Longest time of one way in one repeat, about: 12 repeats of 6 ways stay below 40 s."""
WARM_UP = 20
LIFE_S = 600
"""The probe's key goes by itself, should the probe be killed."""


@dataclass(frozen=True, slots=True)
class Way:
    """How Valkey is reached."""

    subject: str
    rtt_ms: float
    url: str


@dataclass(frozen=True, slots=True)
class Times:
    """What a series of GETs took."""

    each_ns: list[int]
    cpu_ns: int

    def quantile_us(self, share: float) -> float:
        """Give the time that this share of the GETs did not exceed."""
        ordered = sorted(self.each_ns)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e3


def ways(url: str, stack: contextlib.ExitStack) -> list[Way]:
    """Give the direct way and the relays, which run until the stack closes."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    found = [Way("valkey", 0.0, url)]
    for subject, rtt_ms in (("relay", 0.0), *(("valkey", rtt_ms) for rtt_ms in ROUND_TRIPS_MS)):
        port = stack.enter_context(relayed(parts.hostname or HOST, parts.port or 6379, rtt_ms / 1000))
        found.append(Way(subject, rtt_ms, parts._replace(netloc=f"{user}{at}{HOST}:{port}").geturl()))
    return found


def measure(url: str, repeats: int, operations: int, seed: int) -> Iterator[dict[str, Any]]:
    """Give one observation for each way and repeat."""
    draw, key = random.Random(seed), f"probe:{uuid.uuid4().hex}"
    with contextlib.ExitStack() as stack:
        order = ways(url, stack)
        for repeat in range(repeats):
            draw.shuffle(order)
            found = {way: asyncio.run(_series(way, key, operations)) for way in order}
            yield from _lines(found, repeat)


def _lines(found: Mapping[Way, Times], repeat: int) -> Iterator[dict[str, Any]]:
    direct_us = next(
        times.quantile_us(0.5) for way, times in found.items() if (way.subject, way.rtt_ms) == ("valkey", 0)
    )
    for way, times in found.items():
        p50_us = times.quantile_us(0.5)
        yield {
            "subject": way.subject,
            "rtt_ms": way.rtt_ms,
            "repeat": repeat,
            "operations": len(times.each_ns),
            "p50_us": p50_us,
            "p99_us": times.quantile_us(0.99),
            "cpu_us": times.cpu_ns / len(times.each_ns) / 1e3,
            "p50_ms": p50_us / 1e3,
            "added_ms": (p50_us - direct_us) / 1e3,
        }


async def _series(way: Way, key: str, operations: int) -> Times:
    count = min(operations, int(SLICE_S / (way.rtt_ms / 1000 + 0.0003)))
    client = connected(way.url)
    try:
        await client.set(key, VALUE, ex=LIFE_S)
        for _ in range(WARM_UP):
            await client.get(key)
        return await _timed(client, key, count)
    finally:
        await client.delete(key)
        await client.aclose()


async def _timed(client: Redis, key: str, count: int) -> Times:
    each_ns, cpu_ns = [], time.thread_time_ns()
    for _ in range(count):
        start_ns = time.perf_counter_ns()
        await client.get(key)
        each_ns.append(time.perf_counter_ns() - start_ns)
    return Times(each_ns, time.thread_time_ns() - cpu_ns)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and print the observations; 2 with a sentence where REDIS_URL will not do."""
    parser = argparse.ArgumentParser(description="Time look-ups in Valkey.")
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--operations", type=int, default=1000, help="GETs per way and repeat, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a few operations, to see that it runs")
    options = parser.parse_args(arguments)
    wrong = complaint(os.environ)
    if wrong is not None:
        sys.stderr.write(f"{wrong}\n")
        return 2
    repeats, operations = (2, 100) if options.quick else (options.repeats, options.operations)
    for line in measure(os.environ[VARIABLE], repeats, operations, options.seed):
        sys.stdout.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
