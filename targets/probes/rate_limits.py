"""What rate limits admit and tell, over algorithms, stores and processes, as JSON lines.

``python -m targets.probes.rate_limits [--tries 4] [--algorithms fixed,sliding,bucket] [--quick]`` on REDIS_URL.

For each algorithm a service of four processes counts in each of them (``memory``), another one in Valkey.  Requests go
to one, two or four of the processes: to a limit those that are never asked are not there.  A line is one ``measure`` of
one ``algorithm`` and ``store``:

- ``burst``: ``cases`` clients that send more than all processes together could admit, on many connections at once;
  ``miscounted`` are those of whom more or less was admitted than the arithmetic allows (``admitted``, ``exact``,
  ``over_percent`` of all of them).
- ``walk``: clients that spend their limit and five requests more, one after the other and from process to process;
  ``misled`` are those who were told a wrong Limit, Remaining, Reset or Retry-After once.
- ``obedience``: one line for each client of a ``habit``: ``share`` of ``tries`` that were admitted.  ``heeds
  Remaining`` rests until Reset when nothing is left; ``heeds Retry-After`` goes on until it is refused, rests, and
  counts the tries after a rest; ``heeds nothing`` counts all.  A client that a busy machine kept within its limit
  throughout has no line.
- ``edge``: one line for each client that spends its limit just before the end of a fixed window and tries to spend it
  again just after: ``times_limit`` is what was admitted within less than a window's length.
- ``twin``: memory behind two and four processes, which admits the limit two and four times.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from uuid import uuid4

from targets.probes.limit_arithmetic import Rule
from targets.probes.limited_clients import HABITS, SAID, burst, edge, lived, walk
from targets.probes.served import running
from targets.probes.spread import CLIENT, spread

KINDS = ("fixed", "sliding", "bucket")
STORES = ("memory", "valkey")
PROCESSES = (1, 2, 4)
LIMIT = 20
WINDOW_S = 2
"""The shortest in which a burst before an edge and one behind it find room; header fields know whole seconds only."""
TIMEOUT_S = 5
"""For Valkey: a service that goes on without it because the machine was busy would be taken for a wrong limit."""
KEEP_ALIVE_S = 60
"""Connections whose process is known must outlive their clients' rests."""
LINES = 4
"""Connections to each process."""
CLIENTS = 6
"""Of each habit, and of those who burst across an edge."""

Line = dict[str, object]


def main(arguments: Sequence[str]) -> None:
    """Print the lines of each algorithm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tries", type=int, default=4, help="clients of each burst and walk")
    parser.add_argument("--algorithms", default=",".join(KINDS))
    parser.add_argument("--quick", action="store_true", help="two processes, and two clients of each kind")
    chosen = parser.parse_args(arguments)
    kinds = [kind for kind in KINDS if kind in chosen.algorithms.split(",")]
    processes, tries, clients = (PROCESSES[:2], 2, 2) if chosen.quick else (PROCESSES, max(1, chosen.tries), CLIENTS)
    for kind in kinds:
        for line in lines(Rule(kind, LIMIT, WINDOW_S), processes, tries, clients):
            sys.stdout.write(json.dumps({"algorithm": kind, **line}) + "\n")
            sys.stdout.flush()


def lines(rule: Rule, processes: Sequence[int], tries: int, clients: int) -> Iterator[Line]:
    """Give the lines of one algorithm, whose services run beside each other."""
    with ExitStack() as stack:
        most = processes[-1]
        begun = [running(settings_of(rule, store), most, keep_alive_s=KEEP_ALIVE_S) for store in STORES]
        urls = [stack.enter_context(one).url for one in begun]
        for store, url in zip(STORES, urls, strict=True):
            for count in processes:
                yield from _counted(rule, store, url, count, tries)
        yield from _obeyed(rule, dict(zip(STORES, urls, strict=True)), most, clients)
        yield from _at_the_edge(rule, urls[1], most, clients)


def settings_of(rule: Rule, store: str) -> dict[str, str]:
    """Settings of a service that limits so."""
    given = {
        "KIND": rule.kind,
        "STORE": store,
        "LIMIT": str(rule.limit),
        "WINDOW_S": str(rule.window_s),
        "CLIENT": CLIENT,
        "TIMEOUT_S": str(TIMEOUT_S),
        "FAIL": "closed",
        "NAMESPACE": f"probe-{uuid4().hex[:12]}",
    }
    return {f"SERVICE_RATE_LIMIT__{name}": value for name, value in given.items()}


def _counted(rule: Rule, store: str, url: str, count: int, tries: int) -> Iterator[Line]:
    twin: Line = {"twin": True} if store == "memory" and count > 1 else {}
    where: Line = {"store": store, "processes": count, "case": f"{count} process{'es' if count > 1 else ''}", **twin}
    with spread(url, count, LINES) as reached:
        bursts = [burst(rule, reached, (count + 1) * rule.limit) for _ in range(tries)]
        walks = [walk(rule, reached) for _ in range(tries)]
    admitted, exact = sum(one.admitted for one in bursts), sum(one.most for one in bursts)
    yield {
        "measure": "burst",
        **where,
        "cases": tries,
        "miscounted": sum(not rule.limit <= one.admitted <= one.most for one in bursts),
        "admitted": admitted,
        "exact": exact,
        "over_percent": 100 * max(0, admitted - exact) / exact,
    }
    yield {"measure": "walk", **where, "cases": tries, "misled": sum(not right for right in walks)}


def _obeyed(rule: Rule, urls: dict[str, str], most: int, clients: int) -> Iterator[Line]:
    """Let all clients of all habits and both stores live at once; in memory one process is all that holds the limit."""
    with ExitStack() as stack, ThreadPoolExecutor(len(urls) * len(HABITS) * clients) as pool:
        begun = []
        for store, url in urls.items():
            count = 1 if store == "memory" else most
            reached = stack.enter_context(spread(url, count, len(HABITS) * clients))
            for number in range(len(HABITS) * clients):
                habit = SAID[number % len(HABITS)]
                mine = reached[number * count : (number + 1) * count]
                begun.append((store, count, habit, pool.submit(lived, rule, habit, mine)))
        for store, count, habit, future in begun:
            found = future.result()
            if not found.tries:
                continue
            where = {"store": store, "processes": count, "case": f"{habit}, {store}", "habit": habit}
            yield {"measure": "obedience", **where, "tries": found.tries, "share": found.admitted / found.tries}


def _at_the_edge(rule: Rule, url: str, count: int, clients: int) -> Iterator[Line]:
    with spread(url, count, clients) as reached, ThreadPoolExecutor(clients) as pool:
        mine = [reached[number * count : (number + 1) * count] for number in range(clients)]
        for found in pool.map(lambda each: edge(rule, each), mine):
            # A span of a window's length or more says nothing: the machine was busy.
            if found.span_s < rule.window_s:
                where = {"store": "valkey", "processes": count, "case": "burst across an edge"}
                yield {"measure": "edge", **where, "times_limit": found.admitted / rule.limit, "span_s": found.span_s}


if __name__ == "__main__":
    if not os.environ.get("REDIS_URL"):
        raise SystemExit("REDIS_URL: missing; set it to redis://host:port/0")
    main(sys.argv[1:])
