"""Nanoseconds of a look-up in memory, as JSON lines: cachetools with and without a lock, and a plain dict.

``python -m targets.probes.cache_l1 [--repeats 12] [--operations 20000] [--seed 0] [--quick]``

Each line is ``{"subject", "operation", "repeat", "ns_per_op", "median_ns", "us_per_op"}``: the mean and the median
over batches of 500 look-ups, and the median once more in µs.  Every look-up is a hit, ``cache[key]``, with a key whose
hash is known already; the lock is the ``threading.Lock`` that cachetools asks for where threads share a cache.  The
loop around it is in all figures, and alone in those of ``loop``.  A repeat runs each subject once, in an order drawn
anew, so that drift of the machine falls on all alike.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from threading import Lock
from typing import Any

from cachetools import LRUCache, TLRUCache, TTLCache

ENTRIES = 1_000
BATCH = 500
"""Long enough that reading the clock is a thousandth of it, short enough that a median shuns interrupted ones."""
TTL_S = 3600.0

Batch = Callable[[Sequence[str]], None]
"""Looks each key up once."""


def subjects(keys: Sequence[str]) -> dict[str, Batch]:
    """Build every subject, filled with the keys."""
    caches: Mapping[str, MutableMapping[str, int]] = {
        "dict": {},
        "lru": LRUCache(ENTRIES),
        "ttl": TTLCache(ENTRIES, TTL_S),
        "tlru": TLRUCache(ENTRIES, lambda _key, _value, now_s: now_s + TTL_S),
    }
    made: dict[str, Batch] = {"loop": _loop}
    for name, cache in caches.items():
        cache.update({key: number for number, key in enumerate(keys)})
        made[name] = _plain(cache)
        made[f"{name}+lock"] = _locked(cache)
    return made


def _loop(keys: Sequence[str]) -> None:
    for _ in keys:
        pass


def _plain(cache: MutableMapping[str, int]) -> Batch:
    def run(keys: Sequence[str]) -> None:
        for key in keys:
            cache[key]

    return run


def _locked(cache: MutableMapping[str, int]) -> Batch:
    lock = Lock()

    def run(keys: Sequence[str]) -> None:
        for key in keys:
            with lock:
                cache[key]

    return run


def measure(repeats: int, operations: int, seed: int) -> Iterator[dict[str, Any]]:
    """Give one observation for each subject and repeat."""
    draw = random.Random(seed)
    keys = [f"v1:products:{number}" for number in range(ENTRIES)]
    order = list(subjects(keys).items())
    for repeat in range(repeats):
        draw.shuffle(order)
        for subject, run in order:
            batches = [draw.sample(keys, BATCH) for _ in range(max(1, operations // BATCH))]
            times_ns = _times_ns(run, batches)
            median_ns = statistics.median(times_ns)
            yield {
                "subject": subject,
                "operation": "get",
                "repeat": repeat,
                "ns_per_op": statistics.fmean(times_ns),
                "median_ns": median_ns,
                "us_per_op": median_ns / 1e3,
            }


def _times_ns(run: Batch, batches: Sequence[Sequence[str]]) -> list[float]:
    """Time each batch, in ns per look-up; the first one also warms up and is timed again."""
    run(batches[0])
    times_ns = []
    # As timeit does: a collection in the middle of one subject's turn would be another's garbage.
    gc.collect(0)
    gc.disable()
    try:
        for batch in batches:
            start_ns = time.perf_counter_ns()
            run(batch)
            times_ns.append((time.perf_counter_ns() - start_ns) / len(batch))
    finally:
        gc.enable()
    return times_ns


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and print the observations."""
    parser = argparse.ArgumentParser(description="Time look-ups in memory.")
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--operations", type=int, default=20_000, help="look-ups per subject and repeat")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a few operations, to see that it runs")
    options = parser.parse_args(arguments)
    repeats, operations = (2, 2 * BATCH) if options.quick else (options.repeats, options.operations)
    for line in measure(repeats, operations, options.seed):
        sys.stdout.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
