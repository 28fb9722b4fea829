"""What a burn makes the code behind it dearer: in one process, without a server, a load or the harness's meters.

The self-test injects burns and meters them in the app.  Whatever runs behind a burn finds less of itself in the
caches, the less the longer the burn was; no meter of the burn sees that.  Measured beside an idle core and beside one
that polls, as a waiting generator does.  Prints a JSON line for each of them and each burn.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

GENERATOR, *_, ARMS = sorted(os.sched_getaffinity(0)) * 2
WORK_STEPS = 1200
"""About 30 µs before every burn, as in the self-test."""
BURN_STEPS = {20: 800, 60: 2400, 200: 8000}
"""Additions by nominal µs (``STEPS_PER_US`` of ``targets/truth/app.py``)."""
ROUNDS = 150
SPELL_NS = 30_000_000
DOCUMENT = {"a": [1, 2, {"b": "c" * 20}] * 6, "x": 1.5}
POLLING = "import select, socket; a, b = socket.socketpair(); e = select.epoll(); e.register(a)\nwhile True: e.poll(0)"


def spin(steps: int) -> None:
    """Keep the core busy with so many additions."""
    total = 0
    for step in range(steps):
        total += step


def behind(client: socket.socket, server: socket.socket) -> None:
    """Do what a small request does: a URL, JSON both ways, and four system calls on a loopback connection."""
    client.send(b"x" * 120)
    server.recv(4096)
    parse_qs(urlsplit("http://a.b/c/d?x=1&y=2").query)
    json.loads(json.dumps(DOCUMENT))
    server.send(b"y" * 150)
    client.recv(4096)


def spell(client: socket.socket, server: socket.socket, burn_steps: int) -> float:
    """Work, burn and go on, for 30 ms; CPU time of what comes behind the burn, ns a turn."""
    end_ns, turns, cost_ns = time.monotonic_ns() + SPELL_NS, 0, 0
    while time.monotonic_ns() < end_ns:
        spin(WORK_STEPS)
        spin(burn_steps)
        before_ns = time.thread_time_ns()
        behind(client, server)
        cost_ns += time.thread_time_ns() - before_ns
        turns += 1
    return cost_ns / turns


@contextlib.contextmanager
def polling(*, wanted: bool) -> Iterator[None]:
    """Keep the other core busy with polling, if wanted."""
    if not wanted:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", POLLING]) as neighbour:
        os.sched_setaffinity(neighbour.pid, {GENERATOR})
        try:
            yield
        finally:
            neighbour.kill()


def rounds(client: socket.socket, server: socket.socket) -> dict[int, list[float]]:
    """By burn: what a turn cost in every round, all burns in random order."""
    seen: dict[int, list[float]] = {burn_us: [] for burn_us in (0, *BURN_STEPS)}
    for _ in range(ROUNDS):
        for burn_us in random.sample(list(seen), len(seen)):
            seen[burn_us].append(spell(client, server, BURN_STEPS.get(burn_us, 0)))
    return seen


def main() -> None:
    """Measure every burn beside an idle and a polling core."""
    os.sched_setaffinity(0, {ARMS})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    with client, server:
        for wanted in (False, True):
            with polling(wanted=wanted):
                seen = rounds(client, server)
            for burn_us in BURN_STEPS:
                excess = [burnt - plain for burnt, plain in zip(seen[burn_us], seen[0], strict=True)]
                line = {
                    "other_core": "polling" if wanted else "idle",
                    "burn_us": burn_us,
                    "behind_ns": round(statistics.median(seen[0])),
                    "excess_ns_median": round(statistics.median(excess)),
                    "excess_ns_mean": round(statistics.mean(excess)),
                    "standard_error_ns": round(statistics.stdev(excess) / len(excess) ** 0.5),
                    "n": len(excess),
                }
                sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
