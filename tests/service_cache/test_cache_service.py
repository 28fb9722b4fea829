"""The cache in the whole service: settings, endpoints, readiness, and nothing of it where it is off."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import uuid

import pytest

from targets.service.cache.url import complaint
from targets.service.practices.cache import L1, L2, Both
from targets.service.practices.data import Postgres
from targets.service.seed.filling import fill, size_of
from targets.service.settings import SettingsError, read_settings
from tests.support import serving
from tests.support.databases import database, rows

PATH = "/api/v1/products/1"


@pytest.fixture(scope="module")
def filled(postgres):
    """Give the URL of a database with products."""
    with database(postgres.url) as url:
        fill(url, size_of(100), 5)
        yield url


@pytest.fixture
def service(filled, valkey, monkeypatch):
    """Start the service on the real servers, with a cache that is its own."""
    monkeypatch.setenv("DATABASE_URL", filled)
    monkeypatch.setenv("REDIS_URL", valkey.url)

    def start(kind, access="orm", **settings):
        cache = kind(namespace=f"service-{uuid.uuid4().hex}", **settings)
        return serving.service(data=Postgres(access=access), cache=cache)

    return start


@pytest.mark.parametrize("kind", [L1, L2, Both])
@pytest.mark.parametrize("access", ["orm", "core", "plain"])
@pytest.mark.parametrize("strategy", ["aside", "write_through", "aside_versioned"])
def test_a_write_is_read_at_once_and_a_hit_is_the_same_answer(kind, access, strategy, service):
    """Without this an answer from the cache could differ from the database's, or be one write behind."""

    async def run():
        async with service(kind, access, strategy=strategy) as client:
            missed, hit = [await client.get(PATH) for _ in range(2)]
            changed = await client.patch(PATH, json={"stock": (missed.json()["stock"] + 1) % 100, "price": "12.30"})
            read, again = [await client.get(PATH) for _ in range(2)]
            return missed, hit, changed, read, again, (await client.get("/internal/cache")).json()

    missed, hit, changed, read, again, report = asyncio.run(run())
    assert [answer.status_code for answer in (missed, hit, changed, read, again)] == [200] * 5
    assert hit.content == missed.content
    assert read.json() == changed.json()
    assert again.content == read.content
    assert report["loads"] == (1 if strategy == "write_through" else 2)
    assert sum(level["hits"] for level in report["levels"].values()) >= 2
    assert not [level for level in report["levels"].values() if level["errors"] or level["undecodable"]]


def test_the_instrument_can_read_expire_and_clear(service):
    """Without this an expiry could not be injected, nor a hit rate reported."""

    async def run():
        async with service(Both) as client:
            seen = []
            for act in (None, "/internal/cache/expire?id=1", "/internal/cache/clear"):
                if act is not None:
                    seen.append((await client.post(act)).json()["levels"])
                await client.get(PATH)
                seen.append((await client.get("/internal/cache")).json()["loads"])
            schema = (await client.get("/openapi.json")).json()
            bad = [
                await client.post(f"/internal/cache/expire{query}") for query in ("", "?id=x", "?id=0", f"?id={2**63}")
            ]
            return seen, [path for path in schema["paths"] if "internal" in path], bad

    seen, documented, bad = asyncio.run(run())
    both = {"l1": True, "l2": True}
    assert seen == [1, both, 2, both, 3]
    assert documented == []
    assert {(answer.status_code, answer.json()["code"]) for answer in bad} == {(422, "validation-failed")}


def test_the_service_is_ready_without_its_cache(service, monkeypatch):
    """Without this an orchestrator would take every instance out when only the cache is down."""

    async def run():
        async with service(L2) as client:
            return [await client.get(path) for path in ("/health/ready", PATH, "/internal/cache")]

    well, _, _ = asyncio.run(run())
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{serving.free_port()}/0")
    without, read, report = asyncio.run(run())
    assert well.json() == {"status": "ok", "checks": {"items": "ok", "database": "ok", "cache": "ok"}}
    assert without.json()["checks"] == {"items": "ok", "database": "ok", "cache": "degraded"}
    assert (without.status_code, read.status_code) == (200, 200)
    assert report.json()["levels"]["l2"]["errors"] == 1


def test_extra_work_is_in_the_load_only(service):
    """Without this a stampede's cost could not be set, or hits would pay it too."""

    async def run():
        async with service(L1, compute_ms=50) as client:
            return [(await client.get(PATH)).elapsed.total_seconds() for _ in range(5)]

    first, *others = asyncio.run(run())
    assert first > 0.05 > min(others)


def test_off_leaves_no_trace(filled):
    """Without this 'no cache' would pay for one: its modules' memory, its endpoints, its frames."""
    code = (
        "import asyncio, json, sys\n"
        "from targets.service.main import create_app\n"
        "app = create_app()\n"
        "async def run():\n"
        "    async with app.router.lifespan_context(app) as state:\n"
        "        return sorted(state), type(state['products']).__name__\n"
        "state, products = asyncio.run(run())\n"
        "loaded = [name for name in ('redis', 'cachetools') if name in sys.modules]\n"
        "paths = [path for path in app.openapi()['paths'] if 'cache' in path]\n"
        "print(json.dumps([loaded, 'cache' in state, products, paths]))\n"
    )
    changes = {"SERVICE_DATA__KIND": "postgres", "DATABASE_URL": filled}
    done = subprocess.run(
        [sys.executable, "-c", code], env=serving.environment(changes), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [[], False, "OrmProducts", []]


@pytest.mark.parametrize(("kind", "foreign"), [("l1", "redis"), ("l2", "cachetools")])
def test_one_level_does_not_load_the_other(kind, foreign, filled, valkey):
    """Without this the memory of an arm would hold machinery that it does not use."""
    code = (
        "import asyncio, sys\n"
        "from targets.service.main import create_app\n"
        "app = create_app()\n"
        "async def run():\n"
        "    async with app.router.lifespan_context(app):\n"
        f"        print({foreign!r} in sys.modules)\n"
        "asyncio.run(run())\n"
    )
    changes = {
        "SERVICE_DATA__KIND": "postgres",
        "DATABASE_URL": filled,
        "SERVICE_CACHE__KIND": kind,
        "REDIS_URL": valkey.url,
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=serving.environment(changes), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_cache_without_products_is_refused():
    """Without this a cache that has nothing to do would be measured as if it had."""

    async def run():
        async with serving.service(cache=L1()):
            pass

    with pytest.raises(ValueError, match="SERVICE_DATA__KIND=postgres"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("", "missing"),
        ("localhost:6379", "scheme"),
        ("http://localhost:6379", "scheme"),
        ("redis://", "host"),
        ("redis://h:0", "port"),
        ("redis://h:many", "port"),
        ("redis://h:99999", "port"),
        ("redis://h/first", "number"),
        ("redis://h/0?socket_timeout=60", "parameters"),
        ("redis://[::1", "host"),
    ],
)
@pytest.mark.parametrize("kind", ["l2", "both"])
def test_a_wrong_url_is_named_before_anything_starts(url, wrong, kind, monkeypatch):
    """Without this a typing error would be measured as a service without its cache."""
    variables = {"SERVICE_CACHE__KIND": kind, "REDIS_URL": url}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings(variables)
    (line,) = caught.value.lines
    assert line.startswith("REDIS_URL: ")
    assert wrong in line
    assert "redis://host:port/0" in line


@pytest.mark.parametrize(
    "url", ["redis://h", "redis://h:1/", "redis://:secret@h:1/3", "rediss://u:p@h", "redis://[::1]:1/0"]
)
def test_what_redis_py_can_read_is_taken(url):
    """Without this a user's working address would be refused."""
    assert complaint({"REDIS_URL": url}) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"ttl_s": 0},
        {"ttl_s": "nan"},
        {"ttl_s": "inf"},
        {"jitter": 1},
        {"jitter": -0.1},
        {"namespace": "a*"},
        {"namespace": ""},
        {"version": "v1\n"},
        {"l1_size": 0},
        {"compute_ms": -1},
        {"strategy": "behind"},
        {"stampede": "hope"},
    ],
)
def test_settings_that_cannot_be_are_refused(settings):
    """Without this an arm would run with another cache than its name says."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        L1(**settings)


def test_a_dead_database_is_still_an_error_behind_a_cache(service, filled, postgres):
    """Without this a cache could hide that the database is gone, or turn its failure into a 500."""
    name = filled.rpartition("/")[2]
    close = (
        f"alter database {name} with allow_connections false",
        f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'",  # noqa: S608  (ours)
    )

    async def run():
        async with service(L2, stampede="lock") as client:
            await client.get(PATH)
            for text in close:
                rows(postgres.url, text)
            try:
                return await client.get(PATH), await client.get("/api/v1/products/2")
            finally:
                rows(postgres.url, f"alter database {name} with allow_connections true")

    hit, miss = asyncio.run(run())
    assert hit.status_code == 200
    assert (miss.status_code, miss.headers["content-type"]) == (503, "application/problem+json")
