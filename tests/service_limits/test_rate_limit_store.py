"""Limits in the real Valkey: the scripts say what the steps say, and processes share one count."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from uuid import uuid4

import httpx
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
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
import asyncio, sys
from targets.service.limiting.opening import opened
from targets.service.practices import rate_limit
kind, namespace, url = sys.argv[1:]
chosen = getattr(rate_limit, kind)(store="valkey", limit=20, window_s=3600, namespace=namespace, timeout_s=10)
async def run():
    async with opened(chosen, url) as found:
        await found.limiter("warm")
        print("ready", flush=True)
        sys.stdin.readline()
        decisions = await asyncio.gather(*(found.limiter("me") for _ in range(50)))
        print(sum(one.allowed for one in decisions))
asyncio.run(run())
"""


@pytest.mark.parametrize("kind", ["Fixed", "Sliding", "Bucket"])
def test_fifty_at_once_from_each_of_three_processes_admit_the_limit(valkey, kind):
    """Without this the limit would be a matter of luck as soon as there are several processes."""
    argv = [sys.executable, "-c", IN_A_PROCESS, kind, uuid4().hex, valkey.url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(argv, cwd=serving.ROOT, **pipes) for _ in range(3)]
    try:
        assert [one.stdout.readline() for one in running] == ["ready\n"] * 3
        for one in running:
            one.stdin.write("go\n")
            one.stdin.flush()
        counts = [int(one.communicate(timeout=30)[0]) for one in running]
    finally:
        for one in running:
            one.kill()
            one.wait()
    assert sum(counts) == 20


@pytest.mark.parametrize(("store", "admitted"), [("valkey", 20), ("memory", 40)])
def test_a_service_of_two_processes_admits_the_limit_or_its_double(valkey, store, admitted):
    """Without this nobody would see what a limit in each process comes to behind one port."""
    changes = {
        "REDIS_URL": valkey.url,
        "SERVICE_RATE_LIMIT__KIND": "fixed",
        "SERVICE_RATE_LIMIT__STORE": store,
        "SERVICE_RATE_LIMIT__LIMIT": "20",
        "SERVICE_RATE_LIMIT__WINDOW_S": "86400",
        "SERVICE_RATE_LIMIT__CLIENT": "X-Client",
        "SERVICE_RATE_LIMIT__TIMEOUT_S": "10",
        "SERVICE_RATE_LIMIT__NAMESPACE": uuid4().hex,
    }

    async def run(url):
        limits = httpx.Limits(max_connections=50, max_keepalive_connections=0)
        async with httpx.AsyncClient(limits=limits, timeout=30, headers={"X-Client": "me"}) as client:
            statuses = []
            # A connection each: the kernel gives both processes some.
            while len(statuses) < 300:
                answers = await asyncio.gather(*(client.get(f"{url}/api/v1/items?limit=1") for _ in range(50)))
                statuses += [answer.status_code for answer in answers]
            return statuses

    app = "targets.service.main:create_app"
    with serving.served("uvicorn", app, factory=True, ready="/health/ready", changes=changes, workers="2") as url:
        statuses = asyncio.run(run(url))
    assert (statuses.count(200), statuses.count(429)) == (admitted, 300 - admitted), json.dumps(statuses[:60])
