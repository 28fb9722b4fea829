"""Many calls at once through httpx, over HTTP/1.1 and HTTP/2, as JSON lines.

``python -m targets.probes.fan_out [--repeats 8] [--seed 0] [--quick]``

One upstream behind Granian speaks both versions on one port: HTTP/1.1, and HTTP/2 over clear text with prior knowledge.
It sleeps ``added_ms`` before each answer: the latency is the server's own, not a network's, so that connections cost
next to nothing to open and no packet is lost.  Each repeat is a new client process and takes all cells in random order,
each with a new client; both versions of a cell stand next to each other.  A cell is waves of ``concurrency`` calls that
begin together, without pauses.  A line is ``{"subject", "repeat", "concurrency", "added_ms", "p99_ms", "p50_ms",
"first_ms", "cpu_us", "connections", "calls"}``:

- Percentiles are of calls after the first wave; of fewer than 100 calls the 99th is the slowest.
- ``first_ms`` is the slowest call of the first wave, which has to connect.
- ``cpu_us`` is CPU time of the client's process per call after the first wave.
- ``connections`` were counted by the server: distinct addresses from which the cell's calls came.

Idle connections are all kept (httpx's own default keeps 20, and opens the others again for each wave).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import httpx

from targets.probes import plain
from targets.probes.upstream_process import upstream

SUBJECTS = {"http/1.1": False, "http/2": True}
WAVES: dict[int, dict[int, int]] = {
    1: {0: 40, 20: 10, 100: 4},
    16: {0: 7, 20: 7, 100: 4},
    64: {0: 2, 20: 2, 100: 2},
}
"""Waves after the first, by concurrency and latency: few where they take long."""
QUICK_MS = 20
LAST_START_S = 75.0
"""No repeat begins later: on a slow machine there are fewer."""
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=100)
WIDE = {"UPSTREAM_CAPACITY": "10000", "UPSTREAM_WORK_MS": "0"}


class Cell(NamedTuple):
    """What is asked, but for the version."""

    concurrency: int
    added_ms: int
    waves: int


def cells(draw: random.Random, *, quick: bool) -> list[Cell]:
    """Give all cells in random order."""
    found = [
        Cell(concurrency, added_ms, 1 if quick else waves)
        for concurrency, by_latency in WAVES.items()
        for added_ms, waves in by_latency.items()
        if not quick or added_ms <= QUICK_MS
    ]
    draw.shuffle(found)
    return found


async def measure(url: str, repeat: int, seed: int, *, quick: bool) -> None:
    """Print a line for each cell and version."""
    draw = random.Random(f"{seed} {repeat}")
    for cell in cells(draw, quick=quick):
        subjects = list(SUBJECTS)
        draw.shuffle(subjects)
        for subject in subjects:
            seen = await _observe(url, cell, http2=SUBJECTS[subject])
            place = {"concurrency": cell.concurrency, "added_ms": cell.added_ms}
            sys.stdout.write(json.dumps({"subject": subject, "repeat": repeat, **place, **seen}) + "\n")
            sys.stdout.flush()


async def _observe(url: str, cell: Cell, *, http2: bool) -> dict[str, Any]:
    async with plain.client(url) as admin:
        (await admin.post("/control", json={"work_ms": cell.added_ms})).raise_for_status()
        await admin.post("/ledger/reset")
        async with plain.client(url, http1=not http2, http2=http2, limits=LIMITS, timeout=30) as client:
            first_s = await _wave(client, cell.concurrency)
            cpu_s, took_s = time.process_time(), list[float]()
            for _ in range(cell.waves):
                took_s += await _wave(client, cell.concurrency)
            cpu_s = time.process_time() - cpu_s
        ledger = (await admin.get("/ledger")).json()
    return {
        "p99_ms": _percentile(took_s, 0.99) * 1e3,
        "p50_ms": _percentile(took_s, 0.5) * 1e3,
        "first_ms": max(first_s) * 1e3,
        "cpu_us": cpu_s / len(took_s) * 1e6,
        "connections": ledger["connections"],
        "calls": len(took_s),
    }


async def _wave(client: httpx.AsyncClient, concurrency: int) -> list[float]:
    start_s = time.perf_counter()

    async def one(number: int) -> float:
        (await client.get(f"/quote/{number + 1}")).raise_for_status()
        return time.perf_counter() - start_s

    return list(await asyncio.gather(*(one(number) for number in range(concurrency))))


def _percentile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that so large a share does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _repeats(url: str, chosen: argparse.Namespace) -> Iterator[list[str]]:
    """Give the command of each repeat, until the time is up."""
    until_s = time.monotonic() + LAST_START_S
    for repeat in range(1 if chosen.quick else max(1, chosen.repeats)):
        if time.monotonic() < until_s:
            words = ["--repeat", str(repeat), "--url", url, "--seed", str(chosen.seed)]
            yield [sys.executable, "-m", "targets.probes.fan_out", *words, *(["--quick"] if chosen.quick else [])]


def main(arguments: Sequence[str]) -> None:
    """Print the lines of all repeats."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one repeat of one wave, up to 20 ms")
    parser.add_argument("--repeat", type=int, help="only this repeat, here, against --url")
    parser.add_argument("--url")
    chosen = parser.parse_args(arguments)
    if chosen.repeat is not None:
        asyncio.run(measure(chosen.url, chosen.repeat, chosen.seed, quick=chosen.quick))
        return
    with upstream(WIDE, "granian") as url:
        for argv in _repeats(url, chosen):
            subprocess.run(argv, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
