"""A database that is gone, busy or back again: 503 and never a 500, for every way of access."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import psycopg
import pytest

from tests.support import serving
from tests.support.databases import database, rows

VARIANTS = [(access, driver) for access in ("orm", "core", "plain", "sqlmodel") for driver in ("asyncpg", "psycopg")]
ORDER = {
    "user_id": 1,
    "currency": "EUR",
    "lines": [{"product_id": 1, "quantity": 1, "unit_price": "1"}],
    "placed_at": "2026-01-01T00:00:00Z",
}
REQUESTS = [
    ("GET", "/api/v1/orders", None),
    ("GET", "/api/v1/orders/1", None),
    ("POST", "/api/v1/orders", ORDER),
    ("DELETE", "/api/v1/orders/1", None),
    ("POST", "/api/v1/users", {"email": "a@b", "name": "A"}),
    ("GET", "/api/v1/products/1", None),
    ("PATCH", "/api/v1/products/1", {"stock": 1}),
    ("POST", "/api/v1/events", {"kind": "k"}),
    ("GET", "/internal/cursor?rows=1", None),
]
# With a time to wait: the next request meets a connection that is really gone.
END_ALL = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'service'"


def run(act, **data):
    """Run a coroutine function with a client of the service over the database."""

    async def started():
        async with serving.service(data={"kind": "postgres", **data}) as client:
            return await act(client)

    return asyncio.run(started())


@pytest.mark.parametrize(("access", "driver"), VARIANTS)
def test_without_a_database_every_request_is_a_503(monkeypatch, capsys, access, driver):
    """Without this an outage of the database would look like a fault of the service."""
    monkeypatch.setenv("DATABASE_URL", f"postgresql://me@127.0.0.1:{serving.free_port()}/shop")

    async def act(client):
        answers = [await client.request(method, path, json=body) for method, path, body in REQUESTS]
        others = [await client.get(path) for path in ("/health/ready", "/health/live", "/api/v1/items?limit=1")]
        invalid = await client.get("/api/v1/orders?limit=0")
        return answers, [answer.status_code for answer in (*others, invalid)]

    answers, others = run(act, access=access, driver=driver)
    assert [(a.status_code, a.json()["code"]) for a in answers] == [(503, "database-unavailable")] * len(REQUESTS)
    assert all(a.headers["content-type"] == "application/problem+json" for a in answers)
    assert others == [503, 200, 200, 422]
    assert "unhandled" not in capsys.readouterr().err


@pytest.mark.parametrize(("access", "driver"), VARIANTS)
def test_a_database_that_does_not_exist_is_a_503(postgres, monkeypatch, access, driver):
    """Without this a typing error in an address would be answered with 500s."""
    monkeypatch.setenv("DATABASE_URL", postgres.url.rpartition("/")[0] + "/nowhere")
    answer = run(lambda client: client.get("/api/v1/orders"), access=access, driver=driver)
    assert answer.status_code == 503


@pytest.mark.parametrize(("access", "driver"), VARIANTS)
def test_lost_connections_are_replaced(postgres, seeded, monkeypatch, access, driver):
    """Without this one restart of the database would break the service until it is restarted, too."""
    with database(postgres.url, seeded) as url:
        monkeypatch.setenv("DATABASE_URL", url)

        async def act(client):
            first = await client.get("/api/v1/orders")
            rows(url, END_ALL)
            return [first, *[await client.get("/api/v1/orders") for _ in range(3)]]

        statuses = [answer.status_code for answer in run(act, access=access, driver=driver)]
    assert statuses[0] == statuses[-1] == 200
    assert set(statuses) <= {200, 503}


@pytest.mark.parametrize(("access", "driver"), VARIANTS)
def test_pre_ping_hides_a_lost_connection(postgres, seeded, monkeypatch, access, driver):
    """Without this the practice would cost a round trip and give nothing for it."""
    with database(postgres.url, seeded) as url:
        monkeypatch.setenv("DATABASE_URL", url)

        async def act(client):
            first = await client.get("/api/v1/orders")
            rows(url, END_ALL)
            return [first, await client.get("/api/v1/orders")]

        answers = run(act, access=access, driver=driver, pre_ping=True)
    assert [answer.status_code for answer in answers] == [200, 200]


@pytest.mark.parametrize(("access", "driver"), VARIANTS)
def test_a_wait_for_a_connection_that_is_too_long_is_a_503(postgres, seeded, monkeypatch, access, driver):
    """Without this an overload would be a 500, or a client would wait for ever."""
    with database(postgres.url, seeded) as url, psycopg.connect(url) as blocker:
        monkeypatch.setenv("DATABASE_URL", url)
        blocker.execute("lock table orders in access exclusive mode")

        async def act(client):
            held = asyncio.create_task(client.get("/api/v1/orders"))
            while (await client.get("/internal/data")).json()["pool"]["used"] == 0:  # noqa: ASYNC110  (seen over HTTP)
                await asyncio.sleep(0.01)
            refused = await client.get("/api/v1/users/1")
            pool = (await client.get("/internal/data")).json()["pool"]
            blocker.rollback()
            return refused, await held, await client.get("/api/v1/users/1"), pool

        small = {"pool_size": 1, "max_overflow": 0, "pool_timeout_s": 1.0}
        refused, held, later, pool = run(act, access=access, driver=driver, **small)
    assert (refused.status_code, refused.json()["code"]) == (503, "database-unavailable")
    assert (held.status_code, later.status_code) == (200, 200)
    assert (pool["used"], pool["idle"]) == (1, 0)


@pytest.mark.parametrize(("access", "driver"), VARIANTS)
def test_every_connection_comes_back(postgres, seeded, monkeypatch, access, driver):
    """Without this errors or cancelled requests would use up the pool, one connection after the other."""
    with database(postgres.url, seeded) as url:
        monkeypatch.setenv("DATABASE_URL", url)

        async def act(client):
            new = {"email": "user1@example.org", "name": "Taken"}
            waves = [("POST", "/api/v1/users", new), ("GET", "/api/v1/orders?page=900", None)]
            for _ in range(3):
                await asyncio.gather(*(client.request(m, path, json=body) for m, path, body in waves * 5))
            tasks = [asyncio.create_task(client.get("/api/v1/orders?expand=lines")) for _ in range(8)]
            await asyncio.sleep(0.01)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            good = await asyncio.gather(*(client.get("/api/v1/orders") for _ in range(8)))
            return {answer.status_code for answer in good}, (await client.get("/internal/data")).json()["pool"]

        small = {"pool_size": 2, "max_overflow": 1, "pool_timeout_s": 10}
        statuses, pool = run(act, access=access, driver=driver, **small)
    assert statuses == {200}
    assert pool["used"] == 0
    assert pool["idle"] <= pool["kept_max"]


def test_off_imports_no_driver_and_plain_no_sqlalchemy(seeded):
    """Without this 'off' and 'plain' would pay the memory of what they do not use."""
    code = (
        "import asyncio, sys; from targets.service.main import create_app; app = create_app()\n"
        "async def run():\n"
        "    async with app.router.lifespan_context(app): pass\n"
        "asyncio.run(run())\n"
        "print([m for m in ('sqlalchemy', 'asyncpg', 'psycopg', 'sqlmodel', 'alembic', 'redis') if m in sys.modules])"
    )
    plain = {"SERVICE_DATA__KIND": "postgres", "SERVICE_DATA__ACCESS": "plain", "DATABASE_URL": seeded}

    def imported(changes):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=serving.ROOT,
            env=serving.environment(changes),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert imported({}) == "[]"
    assert imported(plain) == "['asyncpg']"
    assert imported({**plain, "SERVICE_DATA__DRIVER": "psycopg"}) == "['psycopg']"
