"""Replicas and the one address before them: a request goes to the ready replicas in turn, and is never repeated."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from targets.orchestrator.fetching import HOST, fetch
from targets.orchestrator.replica import Container, Event, Replica
from targets.orchestrator.rules import KINDS, Rules

START_S = 45.0
"""Four processes that start on one busy core."""
REQUEST_S = 2.0
"""What a user waits."""


class Sent(NamedTuple):
    """One request of a user; ``outcome`` is ok, a status, an error, or ``no endpoint``."""

    at_s: float
    took_s: float
    outcome: str


@dataclass(slots=True)
class Cluster:
    """What is running, and what has happened."""

    replicas: list[Replica]
    events: list[Event]
    sent: list[Sent] = field(default_factory=list)
    _turn: itertools.count[int] = field(default_factory=itertools.count)

    async def ask(self, path: str) -> None:
        """Send one user's request to the next ready replica."""
        ready = [replica for replica in self.replicas if replica.ready]
        start_s = time.monotonic()
        if ready:
            answer = await fetch(ready[next(self._turn) % len(ready)].port, path, REQUEST_S)
            outcome = answer.outcome
        else:
            outcome = "no endpoint"
        self.sent.append(Sent(start_s, time.monotonic() - start_s, outcome))

    async def until_ready(self, count: int, within_s: float = START_S) -> None:
        """Wait until so many replicas are ready; RuntimeError where they do not get so."""
        deadline_s = time.monotonic() + within_s
        while sum(replica.ready for replica in self.replicas) < count:
            if time.monotonic() > deadline_s:
                raise RuntimeError(f"fewer than {count} replicas got ready within {within_s:g} s: {self.events}")
            await asyncio.sleep(0.01)

    def seen(self, kind: str, since_s: float = 0.0) -> list[Event]:
        """Give the events of a kind from an instant on."""
        return [event for event in self.events if event.kind == kind and event.at_s >= since_s]

    def failed(self, since_s: float = 0.0, until_s: float = float("inf")) -> dict[str, int]:
        """Count the users' requests that failed, by class, among those sent in between."""
        found: dict[str, int] = {}
        for one in self.sent:
            if one.outcome != "ok" and since_s <= one.at_s < until_s:
                found[one.outcome] = found.get(one.outcome, 0) + 1
        return found

    def count(self, since_s: float, until_s: float = float("inf")) -> int:
        """Count the users' requests sent in between."""
        return sum(since_s <= one.at_s < until_s for one in self.sent)


@contextlib.asynccontextmanager
async def orchestrated(containers: Sequence[Container], rules: Rules, seed: str) -> AsyncIterator[Cluster]:
    """Run one replica of each container until the block ends; phases of the probes are drawn from the seed."""
    draw, events = Random(seed), list[Event]()
    replicas = [
        Replica(number, free_port(), container, rules, events.append, {kind: draw.random() for kind in KINDS})
        for number, container in enumerate(containers)
    ]
    tasks = [asyncio.create_task(replica.run()) for replica in replicas]
    try:
        yield Cluster(replicas, events)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def visited(cluster: Cluster, path: str | Callable[[], str], rate_rps: float) -> AsyncIterator[None]:
    """Send users' requests at an even rate while the block runs, however slow the answers are.

    ``path`` may be a function that gives the next request's.
    """

    async def visit() -> None:
        async with asyncio.TaskGroup() as group:
            due_s = time.monotonic()
            while not leaving.is_set():
                group.create_task(cluster.ask(path if isinstance(path, str) else path()))
                due_s += 1 / rate_rps
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(leaving.wait(), max(0.0, due_s - time.monotonic()))

    leaving = asyncio.Event()
    task = asyncio.create_task(visit())
    try:
        yield
    finally:
        leaving.set()
        await task


def free_port() -> int:
    """Give a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
