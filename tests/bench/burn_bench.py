"""What a burn costs the code behind it, beyond its own CPU time: in one process, without a server or a load.

The self-test injects burns and meters them in the app.  Whatever runs behind a burn finds colder caches; no meter
of the burn sees that.  Prints a JSON line for each work before the burn and each burn.
"""

from __future__ import annotations

import json
import os
import random
import socket
import statistics
import sys
import time
from typing import NamedTuple

CORE = max(os.sched_getaffinity(0))
WORK_US = (0, 30, 60)
BURN_US = (0, 5, 20)
ROUNDS = 100
SPELL_NS = 40_000_000
DOCUMENT = {"a": [1, 2, {"b": "c" * 20}] * 6, "x": 1.5}


class Cost(NamedTuple):
    """CPU time of a turn, and of the burn in it as it meters itself; ns."""

    turn: float
    burned: float


def spin(duration_ns: int) -> None:
    """Keep the core busy."""
    start_ns = now_ns = time.perf_counter_ns()
    while now_ns - start_ns < duration_ns:
        now_ns = time.perf_counter_ns()


def behind(client: socket.socket, server: socket.socket) -> None:
    """Do what a small request does: JSON both ways, and four system calls on a loopback connection."""
    json.loads(json.dumps(DOCUMENT))
    client.send(b"x" * 120)
    server.recv(4096)
    server.send(b"y" * 150)
    client.recv(4096)


def spell(client: socket.socket, server: socket.socket, work_us: int, burn_us: int) -> Cost:
    """Work, burn and go on, for 40 ms."""
    end_ns, turns, burned_ns = time.monotonic_ns() + SPELL_NS, 0, 0
    began_ns = time.thread_time_ns()
    while time.monotonic_ns() < end_ns:
        spin(work_us * 1000)
        behind(client, server)
        before_ns = time.thread_time_ns()
        spin(burn_us * 1000)
        burned_ns += time.thread_time_ns() - before_ns
        turns += 1
    return Cost((time.thread_time_ns() - began_ns) / turns, burned_ns / turns)


def main() -> None:
    """Measure all combinations in random order, round after round."""
    os.sched_setaffinity(0, {CORE})
    grid = [(work, burn) for work in WORK_US for burn in BURN_US]
    excess: dict[tuple[int, int], list[float]] = {pair: [] for pair in grid if pair[1]}
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        with client, server:
            for _ in range(ROUNDS):
                seen = {pair: spell(client, server, *pair) for pair in random.sample(grid, len(grid))}
                for (work, burn), values in excess.items():
                    with_burn, without = seen[work, burn], seen[work, 0]
                    values.append(with_burn.turn - without.turn - (with_burn.burned - without.burned))
    for (work, burn), values in excess.items():
        line = {
            "work_us": work,
            "burn_us": burn,
            "excess_ns_median": round(statistics.median(values)),
            "excess_ns_mean": round(statistics.mean(values)),
            "standard_error_ns": round(statistics.stdev(values) / len(values) ** 0.5),
            "n": len(values),
        }
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
