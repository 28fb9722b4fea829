"""Limits in the real Valkey: the scripts say what the steps say, and processes share one count."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from uuid import uuid4

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targets.service.limiting import bucket, fixed, opening, sliding
from targets.service.limiting.quota import SECOND_US, Decision, Quota
from targets.service.limiting.valkey import SETTINGS
from targets.service.practices.rate_limit import Bucket, Fixed, Sliding
from tests.support import serving

ALGORITHMS = {"fixed": fixed, "sliding": sliding, "bucket": bucket}
KINDS = {"fixed": Fixed, "sliding": Sliding, "bucket": Bucket}
GIVEN_CLOCK = "local now = tonumber(ARGV[3])\n"
EPOCH_US = 1_790_000_000 * SECOND_US
PATIENT_S = 5.0


@pytest.fixture(scope="module")
def client(valkey):
    """Give a client of Valkey."""
    found = redis.Redis.from_url(valkey.url)
    yield found
    found.close()


@pytest.mark.parametrize("name", ALGORITHMS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 6),
    window_s=st.integers(60, 61),
    waits=st.lists(st.one_of(st.just(0), st.integers(0, 70 * SECOND_US)), min_size=1, max_size=25),
)
def test_a_script_decides_as_the_step_does(client, name, limit, window_s, waits):
    """Without this a limit would mean one thing in a process and another one in Valkey."""
    quota, key = Quota(limit, window_s * SECOND_US), uuid4().hex
    script = client.register_script(GIVEN_CLOCK + SETTINGS + ALGORITHMS[name].LUA)
    held, now_us = None, EPOCH_US
    for wait_us in waits:
        now_us += wait_us
        wanted, held = ALGORITHMS[name].step(quota, held, now_us)
        allowed, *rest = script([key], [limit, quota.window_us, now_us])
        assert Decision(bool(allowed), *rest) == wanted
    client.delete(key)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_one_round_trip_decides_and_the_key_ends_by_itself(client, valkey, name):
    """Without this each request would pay several round trips, or Valkey be filled for ever."""

    async def run(chosen):
        async with opening.opened(chosen, valkey.url) as found:
            await found.limiter("warm")
            before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
            decisions = [await found.limiter("me") for _ in range(4)]
            return client.info("commandstats")["cmdstat_evalsha"]["calls"] - before, decisions

    chosen = KINDS[name](store="valkey", limit=3, window_s=50, namespace=uuid4().hex, timeout_s=PATIENT_S)
    asked, decisions = asyncio.run(run(chosen))
    assert asked == 4
    assert [one.allowed for one in decisions] == [True] * 3 + [False]
    assert [one.remaining for one in decisions] == [2, 1, 0, 0]
    (key,) = [key for key in client.scan_iter(f"{chosen.namespace}*") if key.endswith(b":me")]
    assert 0 < client.pttl(key) <= 50_000


def test_another_limit_or_algorithm_starts_anew(valkey):
    """Without this a change of the settings would meet what it cannot read, and everyone be admitted."""

    async def run():
        namespace, seen = uuid4().hex, []
        for kind, limit in ((Fixed, 1), (Sliding, 1), (Bucket, 1), (Bucket, 2)):
            chosen = kind(store="valkey", limit=limit, window_s=60, namespace=namespace, timeout_s=PATIENT_S)
            async with opening.opened(chosen, valkey.url) as found:
                seen += [(await found.limiter("me")).remaining]
        return seen

    assert asyncio.run(run()) == [0, 0, 0, 1]


IN_A_PROCESS = """
import asyncio, sys, time
from targets.service.cache.breaker import Breaker
from targets.service.cache.link import Link
from targets.service.cache.metrics import LevelMetrics
from targets.service.limiting import bucket, fixed, sliding
from targets.service.limiting.quota import SECOND_US, Quota
from targets.service.limiting.valkey import ValkeyLimiter, connected
namespace, url = sys.argv[1:]
async def run(algorithm):
    async with connected(url, 10) as client:
        link, prefix = Link(client, Breaker(time.monotonic, 1), LevelMetrics()), f"{namespace}:{algorithm.__name__}:"
        limiter = ValkeyLimiter(link, algorithm.LUA, Quota(20, 86400 * SECOND_US), prefix, 10)
        await limiter("warm")
        print("ready", flush=True)
        sys.stdin.readline()
        decisions = await asyncio.gather(*(limiter("me") for _ in range(50)))
        print(sum(one.allowed for one in decisions), flush=True)
for algorithm in (bucket, fixed, sliding):
    asyncio.run(run(algorithm))
"""


def test_fifty_at_once_from_each_of_three_processes_admit_the_limit(valkey):
    """Without this the limit would be a matter of luck as soon as there are several processes."""
    argv = [sys.executable, "-c", IN_A_PROCESS, uuid4().hex, valkey.url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(argv, cwd=serving.ROOT, **pipes) for _ in range(3)]
    admitted = []
    try:
        for _ in KINDS:
            assert [one.stdout.readline() for one in running] == ["ready\n"] * 3
            for one in running:
                one.stdin.write("go\n")
                one.stdin.flush()
            admitted.append(sum(int(one.stdout.readline()) for one in running))
    finally:
        for one in running:
            one.kill()
            one.communicate()
    assert admitted == [20, 20, 20]
