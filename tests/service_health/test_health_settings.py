"""Readiness, liveness and the drain by their settings, on the whole stack and under real servers."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.orchestrator import rules
from targets.service.practices import drain, health
from targets.service.services.readiness import Asking, keeping
from tests.support import serving


async def _well() -> None:
    """Say nothing: all is as it should be."""


async def _ill() -> str | None:
    raise ConnectionError


async def _degraded() -> str:
    return "degraded"


async def _slow() -> None:
    await asyncio.sleep(5)


PINGS = {"database": _well, "cache": _ill, "upstream": _degraded}


def _found(optional=(), required=(), pings=PINGS, timeout_s=0.05):
    return asyncio.run(Asking(frozenset(optional), frozenset(required), timeout_s)(pings))


def test_a_failed_dependency_fails_readiness_unless_it_is_optional():
    """One lost cache would take every replica out of service."""
    assert set(_found().failed) == {"cache"}
    found = _found(optional=("cache",))
    assert (found.failed, found.degraded) == ({}, True)
    assert set(_found(required=("upstream",)).failed) == {"cache", "upstream"}
    assert set(_found(pings={"database": _slow}).failed) == {"database"}


def test_a_kept_answer_is_late():
    """The claim against caching would be measured on a check that is never cached."""
    asked = []

    async def ask(pings):
        asked.append(1)
        return await Asking(frozenset(), frozenset(), 0.05)(pings)

    async def twice(kept_s):
        asked.clear()
        kept = keeping(ask, kept_s)
        await kept(PINGS)
        await kept(PINGS)
        return len(asked)

    assert asyncio.run(twice(60.0)) == 1
    assert asyncio.run(twice(0.0)) == 2


@pytest.mark.parametrize(("liveness", "status"), [("simple", 200), ("deep", 503)])
def test_only_a_deep_liveness_fails_with_its_dependency(postgres, liveness, status):
    """An orchestrator would restart replicas because their database is away, or the twin would not show it."""
    environment = {
        "DATABASE_URL": postgres.url.rpartition("/")[0] + "/there_is_none",
        "SERVICE_DATA__KIND": "postgres",
        "SERVICE_HEALTH__KIND": "standard",
        "SERVICE_HEALTH__LIVENESS": liveness,
    }
    app = "targets.service.main:create_app"
    with serving.served("uvicorn", app, factory=True, ready="/ping", changes=environment) as url:
        assert httpx.get(f"{url}/health/ready").status_code == 503
        assert httpx.get(f"{url}/health/live").status_code == status


@pytest.mark.asyncio
async def test_a_drain_flips_readiness_and_nothing_else():
    """Requests would be refused while somebody still sends them."""
    chosen = drain.On(delay_s=0.0)
    async with serving.service(drain=chosen, health=health.Standard()) as client:
        assert (await client.get("/health/ready")).status_code == 200
        assert (await client.post("/internal/drain")).status_code == 200
        assert (await client.get("/health/ready")).status_code == 503
        answer = await client.get("/ping")
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("server", ["uvicorn", "granian", "gunicorn", "gunicorn_asgi"])
def test_after_sigterm_it_is_not_ready_and_still_serves(server):
    """Whoever routes requests would learn of the end by a refused connection."""
    port = serving.free_port()
    app = "targets.service.main:create_app"
    argv = serving.server(server).command(
        python=sys.executable, app=app, factory=True, host="127.0.0.1", port=port, options={}
    )
    changes = {"SERVICE_DRAIN__KIND": "on", "SERVICE_DRAIN__DELAY_S": "1.5"}
    running = subprocess.Popen(
        argv, cwd=serving.ROOT, env=serving.environment(changes), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        serving.wait_ready(running, f"{url}/ping")
        targets = [running.pid] if server == "uvicorn" else _workers(running.pid)
        for pid in targets:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 1.2
        seen = set()
        while time.monotonic() < deadline and 503 not in seen:
            seen.add(httpx.get(f"{url}/health/ready").status_code)
        assert 503 in seen
        assert httpx.get(f"{url}/ping").status_code == 200
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        running.stdout.close()


def _workers(pid: int) -> list[int]:
    path = f"/proc/{pid}/task/{pid}/children"
    with open(path) as children:  # noqa: PTH123  (a file of the kernel)
        return [int(child) for child in children.read().split()] or [pid]


@given(st.integers(0, 20))
def test_restarts_wait_longer_and_longer_up_to_a_bound(restarts):
    """A crash loop would cost a simulated cluster more, or less, than a real one."""
    chosen = rules.kubernetes()
    waits = [rules.back_off_s(chosen, number) for number in (restarts, restarts + 1)]
    assert waits[0] <= waits[1] <= chosen.back_off_max_s
    assert rules.back_off_s(chosen, 0) == 0.0


@given(st.lists(st.booleans(), max_size=40))
def test_a_replica_is_condemned_by_failures_in_a_row_only(answers):
    """One lost answer would restart a replica, or three in a row would not."""
    chosen = rules.kubernetes(startup_failures=None)
    watch = rules.begun(chosen)
    for good in answers:
        watch = rules.told(chosen, watch, "liveness", good=good)
    runs = "".join("g" if good else "b" for good in answers)
    assert watch.condemned == ("bbb" in runs)
