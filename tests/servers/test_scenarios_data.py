"""The scenarios of pages, caches, databases and retries against the real service, under a trial and alone in Locust."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from harness.backends import databases
from harness.backends.postgres import Postgres
from harness.backends.valkey import Valkey
from scenarios.support.popularity import zipf
from tests.support import serving, wire
from tests.support.databases import database, rows

SCENARIOS = ("pagination", "caching", "database", "retries")


@pytest.fixture(scope="module")
def seeded(postgres: Postgres) -> Iterator[str]:
    """Give a database with ten thousand orders."""
    template = databases.template(postgres, databases.Data(rows=10_000, seed=3), serving.ROOT)
    with database(postgres.url, databases.database_url(postgres, template)) as url:
        yield url


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """Give the address of the service behind the service."""
    changes = {"UPSTREAM_WORK_MS": "1", "UPSTREAM_CAPACITY": "50"}
    with serving.served("uvicorn", "targets.upstream.app:app", factory=False, ready="/health", changes=changes) as url:
        yield url


@pytest.fixture(scope="module")
def service(seeded: str, valkey: Valkey, upstream: str) -> Iterator[str]:
    """Give the address of the service on that database, with a cache and a service behind it."""
    changes = {
        "DATABASE_URL": seeded,
        "REDIS_URL": valkey.url,
        "SERVICE_DATA__KIND": "postgres",
        "SERVICE_CACHE__KIND": "both",
        "SERVICE_UPSTREAM__KIND": "on",
        "SERVICE_RETRY__KIND": "exponential_jitter",
        "UPSTREAM_URL": upstream,
    }
    app = "targets.service.main:create_app"
    with serving.served("uvicorn", app, factory=True, ready="/health/ready", changes=changes) as url:
        yield url


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_runs_alone_in_locust_without_a_failure(service: str, name: str) -> None:
    """A team on a game day would find a scenario that only the harness can start."""
    arguments = ("-u", "4", "-r", "4", "-t", "2s", "--host", service, "--json")
    log = wire.locust("-f", f"scenarios/{name}.py", *arguments).communicate(timeout=60)[0]
    table = json.loads(log[log.index("[\n") : log.rindex("]") + 1])
    assert sum(entry["num_requests"] for entry in table) > 20
    assert sum(entry["num_failures"] for entry in table) == 0


@pytest.mark.parametrize("name", ["pagination", "caching", "database"])
def test_each_runs_in_locusts_web_ui(service: str, name: str) -> None:
    """A game day is steered in a browser: there the scenario would not start, or show nothing."""
    port = serving.free_port()
    base = f"http://127.0.0.1:{port}"
    arguments = ("-f", f"scenarios/{name}.py", "--host", service, "--web-host", "127.0.0.1", "--web-port", str(port))
    locust = wire.locust(*arguments, headless=False)
    try:
        with httpx.Client(base_url=base, timeout=5.0) as client:
            _until(lambda: client.get("/").status_code == 200)
            began = client.post("/swarm", data={"user_count": 4, "spawn_rate": 4, "host": service})
            assert began.json()["success"]
            _until(lambda: _total(client)["num_requests"] > 20)
            assert _total(client)["num_failures"] == 0
            client.get("/stop")
    finally:
        locust.terminate()
        locust.communicate(timeout=30)


def _until(done: Callable[[], bool]) -> None:
    """Wait until something holds; an address where nobody answers yet does not."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if done():
                return
        time.sleep(0.1)
    raise AssertionError("it did not come about within a minute")


def _total(client: httpx.Client) -> dict[str, Any]:
    """The line of all requests together, as the page shows it."""
    lines: list[dict[str, Any]] = client.get("/stats/requests").json()["stats"]
    return next(line for line in lines if line["name"] == "Aggregated")


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_runs_under_a_trial_and_every_request_is_recorded(service: str, name: str, tmp_path: Path) -> None:
    """A duel over the scenario would lose requests, or count answers that were none."""
    load = {"model": "open", "rate_rps": 150, "warmup_s": 0.3, "measure_s": 1.0}
    (outcome,) = wire.run(name, wire.trial_document(tmp_path / "load", [service], load))
    assert outcome.done["completed"] == outcome.done["sent"] == len(outcome.rows)
    assert {row["status"] for row in outcome.rows} <= {200, 201, 204, 404}


def test_writers_of_the_walk_really_write(service: str, seeded: str, tmp_path: Path) -> None:
    """Pages would be walked on a table that nobody changes, and every cursor would pass."""
    before = rows(seeded, "select count(*), count(deleted_at) from orders")[0]
    load = {"model": "closed", "users": 8, "measure_s": 1.5}
    wire.run("pagination", wire.trial_document(tmp_path / "load", [service], load, parameters={"writers": 1.0}))
    after = rows(seeded, "select count(*), count(deleted_at) from orders")[0]
    assert after[0] > before[0] + 20
    assert after[1] > before[1]


def test_popularity_follows_zipf() -> None:
    """A cache would be measured on keys that nobody prefers, or on a single one."""
    counts = Counter(zipf(Random(1), 1_000, 1.0, 200_000))
    # With exponent 1 the first is asked for twice as often as the second and ten times as often as the tenth.
    assert counts[1] / counts[2] == pytest.approx(2.0, rel=0.05)
    assert counts[1] / counts[10] == pytest.approx(10.0, rel=0.1)
    assert set(counts) <= set(range(1, 1_001))
