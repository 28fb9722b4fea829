"""What a refused request costs the service beside an answered one, as JSON lines.

``python -m targets.probes.refusal_cost [--repeats 16] [--requests 200] [--seed 0] [--quick]`` on REDIS_URL.

A service of one process counts in memory, another one in Valkey, both in fixed windows of a day.  A repeat sends to
each of them as many requests that are admitted (an item of a kilobyte) as it sends requests that are refused, in an
order drawn anew.  Each line is ``{"store", "subject", "repeat", "requests", "cpu_us"}``: CPU time of the service's
process, all its threads included, for each request; Valkey's own is not in it.  Subjects are ``an answer`` and ``a
refusal``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from uuid import uuid4

from targets.probes.process_clock import cpu_ns
from targets.probes.served import Service, running
from targets.probes.spread import CLIENT, Line, ask, opened

STORES = ("memory", "valkey")
ANSWER, REFUSAL = "an answer", "a refusal"
WINDOW_S = 86_400
TIMEOUT_S = 5
"""For Valkey: a service that goes on without it because the machine was busy would be measured as a cheap one."""
WARM_UP = 2
"""Repeats that are not printed: code that runs for the first time costs more."""
KEEP_ALIVE_S = 60


def main(arguments: Sequence[str]) -> None:
    """Print a line for each store, subject and repeat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=16)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="three repeats of fifty requests")
    chosen = parser.parse_args(arguments)
    repeats, requests = (3, 50) if chosen.quick else (max(2, chosen.repeats), max(10, chosen.requests))
    with ExitStack() as stack:
        services = {
            store: stack.enter_context(running(settings_of(store, requests), keep_alive_s=KEEP_ALIVE_S))
            for store in STORES
        }
        observe(services, repeats, requests, random.Random(chosen.seed))


def settings_of(store: str, requests: int) -> dict[str, str]:
    """Settings of a service whose clients are admitted so many requests."""
    given = {
        "KIND": "fixed",
        "STORE": store,
        "LIMIT": str(requests),
        "WINDOW_S": str(WINDOW_S),
        "CLIENT": CLIENT,
        "TIMEOUT_S": str(TIMEOUT_S),
        "FAIL": "closed",
        "NAMESPACE": f"probe-{uuid4().hex[:12]}",
    }
    return {f"SERVICE_RATE_LIMIT__{name}": value for name, value in given.items()}


def observe(services: dict[str, Service], repeats: int, requests: int, draw: random.Random) -> None:
    """Print what each repeat found."""
    for repeat in range(-WARM_UP, repeats):
        for store in draw.sample(STORES, len(STORES)):
            line, spent = opened(services[store].url), f"probe-{uuid4()}"
            for _ in range(requests):
                ask(line, spent)
            clients = {ANSWER: f"probe-{uuid4()}", REFUSAL: spent}
            for subject in draw.sample((ANSWER, REFUSAL), 2):
                cost_us = _cost_us(services[store].process.pid, line, clients[subject], requests, subject == ANSWER)
                if repeat >= 0:
                    found = {"store": store, "subject": subject, "repeat": repeat, "requests": requests}
                    sys.stdout.write(json.dumps({**found, "cpu_us": cost_us}) + "\n")
                    sys.stdout.flush()
            line.close()


def _cost_us(pid: int, line: Line, client: str, requests: int, admitted: bool) -> float:  # noqa: FBT001  (one of two)
    before_ns = cpu_ns(pid)
    answers = [ask(line, client) for _ in range(requests)]
    after_ns = cpu_ns(pid)
    if before_ns is None or after_ns is None:
        raise RuntimeError("the CPU time of another process cannot be read on this machine")
    if any(answer.admitted != admitted for answer in answers):
        raise RuntimeError("a limit was not what it was set to: the day has just begun")
    return (after_ns - before_ns) / requests / 1e3


if __name__ == "__main__":
    if not os.environ.get("REDIS_URL"):
        raise SystemExit("REDIS_URL: missing; set it to redis://host:port/0")
    main(sys.argv[1:])
