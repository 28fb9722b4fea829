"""How many of many keys expire at once, with and without jitter, on the Valkey that REDIS_URL names, as JSON lines.

``python -m targets.probes.cache_expiry [--repeats 12] [--keys 10000] [--ttl 1] [--seed 0] [--quick]``

Each line is ``{"subject", "jitter", "repeat", "keys", "peak_over_mean", "predicted", "of_predicted", "by_width",
"samples"}``.  Keys are warmed together: each gets its own moment of expiry (PEXPIREAT), one TTL later, drawn from
ttl·(1 ± jitter).  Then all keys are asked for over and over (one EXISTS that names them all; EXISTS looks at a key's
own expiry, where DBSIZE would count what is not yet swept), and the keys that have gone are counted per window of
10 ms by the server's clock.

- The mean is that of keys that expire evenly over one TTL: what a cache in use sees.
- ``by_width`` is the ratio that the width alone says: ttl ÷ max(window, 2·jitter·ttl).
- ``predicted`` adds that the fullest of many windows holds more than the average one: the expected maximum of as many
  Poisson counts.
- ``of_predicted`` is the measured ratio ÷ the predicted one.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from redis import Redis

from targets.service.cache.entry import drawn_ttl_s
from targets.service.cache.url import VARIABLE, complaint

JITTERS = (0.0, 0.1, 0.5)
WINDOW_S = 0.01
PAUSE_S = 0.001
"""Between two looks: the server has other things to do, and a window holds several looks all the same."""
CHUNK = 1000
LATE_S = 5.0
"""Keys that are still there so long after the last one should have gone will not go."""

Sample = tuple[float, int]
"""Server's time in s, keys that are gone."""
N = TypeVar("N")


def expected_peak(mean: float, windows: int) -> float:
    """Give the expected maximum of as many Poisson counts with this mean."""
    below, term, peak, count = 0.0, math.exp(-mean), 0.0, 0
    while below < 1 - 1e-12 and count < 10 * mean + 100:
        below += term
        peak += 1 - min(1.0, below) ** windows
        count += 1
        term *= mean / count
    return peak


def predicted(keys: int, ttl_s: float, jitter: float) -> tuple[float, float]:
    """Give peak ÷ mean as the width alone says, and with the fullest window's surplus."""
    width_s = max(WINDOW_S, 2 * jitter * ttl_s)
    by_width = ttl_s / width_s
    if jitter == 0:
        return by_width, by_width
    mean = keys * WINDOW_S / width_s
    return by_width, by_width * expected_peak(mean, round(width_s / WINDOW_S)) / mean


def peak(samples: Sequence[Sample], middle_s: float) -> float:
    """Give the most keys that went within one window; windows are laid so that ``middle_s`` is the middle of one.

    Between two looks keys are taken to go evenly.
    """
    first, last = samples[0][0], samples[-1][0]
    edge_s = middle_s - WINDOW_S / 2
    edge_s -= math.ceil((edge_s - first) / WINDOW_S) * WINDOW_S
    edges = [edge_s + number * WINDOW_S for number in range(math.ceil((last - edge_s) / WINDOW_S) + 1)]
    gone = _interpolated(samples, edges)
    return max(later - earlier for earlier, later in pairwise(gone))


def _interpolated(samples: Sequence[Sample], at_s: Sequence[float]) -> list[float]:
    found, place = [], 0
    for moment in at_s:
        while place + 1 < len(samples) and samples[place + 1][0] <= moment:
            place += 1
        (before_s, before), (after_s, after) = samples[place], samples[min(place + 1, len(samples) - 1)]
        share = 0.0 if after_s == before_s else min(1.0, max(0.0, (moment - before_s) / (after_s - before_s)))
        found.append(before + share * (after - before))
    return found


def measure(url: str, repeats: int, keys: int, ttl_s: float, seed: int) -> Iterator[dict[str, Any]]:
    """Give one observation for each jitter and repeat."""
    draw = random.Random(seed)
    order = list(JITTERS)
    with Redis.from_url(url, protocol=2, socket_timeout=5.0) as client:
        for repeat in range(repeats):
            draw.shuffle(order)
            for jitter in order:
                prefix = f"probe:{uuid.uuid4().hex}:"
                names = [f"{prefix}{number}" for number in range(keys)]
                try:
                    seen = _observe(client, names, ttl_s, jitter, draw)
                    yield {"subject": "jitter", "jitter": jitter, "repeat": repeat, "keys": keys, **seen}
                finally:
                    for chunk in _chunks(names):
                        client.unlink(*chunk)


def _observe(client: Redis, names: Sequence[str], ttl_s: float, jitter: float, draw: random.Random) -> dict[str, Any]:
    lives_s = [drawn_ttl_s(ttl_s, jitter, draw) for _ in names]
    warmed_s = _warm(client, names, lives_s)
    samples = _watch(client, names, warmed_s + max(lives_s) + LATE_S)
    ratio = peak(samples, warmed_s + ttl_s) / (len(names) * WINDOW_S / ttl_s)
    by_width, foretold = predicted(len(names), ttl_s, jitter)
    return {
        "peak_over_mean": ratio,
        "predicted": foretold,
        "of_predicted": ratio / foretold,
        "by_width": by_width,
        "samples": len(samples),
    }


def _warm(client: Redis, names: Sequence[str], lives_s: Sequence[float]) -> float:
    """Set every key, then give all their expiries, counted from one moment; gives that moment."""
    for chunk in _chunks(names):
        client.mset(dict.fromkeys(chunk, b"x"))
    warmed_s = _server_s(client)
    for lives in _chunks(list(zip(names, lives_s, strict=True))):
        pipe = client.pipeline(transaction=False)
        for name, life_s in lives:
            pipe.pexpireat(name, round((warmed_s + life_s) * 1000))
        pipe.execute()
    return warmed_s


def _watch(client: Redis, names: Sequence[str], until_s: float) -> list[Sample]:
    """Look until all keys are gone; TimeoutError if they do not go."""
    # Packed once, below redis-py's commands: packing 10,000 names takes it longer than a window.
    connection: Any = client.connection_pool.get_connection()
    # A transaction begins when all of it is there: its time is that of the look, however long the names travelled.
    look = connection.pack_commands([("MULTI",), ("TIME",), ("EXISTS", *names), ("EXEC",)])
    samples: list[Sample] = []
    try:
        while not samples or samples[-1][1] < len(names):
            connection.send_packed_command(look)
            *_, ((seconds, micros), there) = [connection.read_response() for _ in range(4)]
            samples.append((int(seconds) + int(micros) / 1e6, len(names) - int(there)))
            if samples[-1][0] > until_s:
                raise TimeoutError("The keys did not expire: is this server a replica, or its clock set back?")
            time.sleep(PAUSE_S)
    finally:
        client.connection_pool.release(connection)
    return samples


def _server_s(client: Redis) -> float:
    seconds, micros = client.time()
    return int(seconds) + int(micros) / 1e6


def _chunks(rows: Sequence[N]) -> Iterator[Sequence[N]]:
    for start in range(0, len(rows), CHUNK):
        yield rows[start : start + CHUNK]


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and print the observations; 2 with a sentence where REDIS_URL will not do."""
    parser = argparse.ArgumentParser(description="Count keys that expire together.")
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--ttl", type=float, default=1.0, help="seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a few keys, to see that it runs")
    options = parser.parse_args(arguments)
    wrong = complaint(os.environ)
    if wrong is not None:
        sys.stderr.write(f"{wrong}\n")
        return 2
    repeats, keys, ttl_s = (1, 2000, 0.5) if options.quick else (options.repeats, options.keys, options.ttl)
    for line in measure(os.environ[VARIABLE], repeats, keys, ttl_s, options.seed):
        sys.stdout.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
