"""Idempotency keys without their store, without a transaction, and switched off."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time

import pytest

from targets.service.practices.idempotency import Row, Valkey
from targets.service.settings import SettingsError, read_settings
from tests.support import serving


def test_without_the_store_a_key_is_503_and_the_rest_goes_on(keyed, shop, monkeypatch):
    """Without this an order would be placed unprotected, or every request fail with the store."""

    async def run():
        async with keyed(Valkey) as client:
            refused = await shop.post(client)
            return refused, await shop.post(client, headers={}), await client.get("/health/ready")

    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{serving.free_port()}/0")
    refused, plain, ready = asyncio.run(run())
    assert (refused.status_code, refused.json()["code"]) == (503, "idempotency-unavailable")
    assert (plain.status_code, ready.status_code, ready.json()["checks"]["idempotency"]) == (201, 200, "degraded")
    assert shop.rows == 1


def test_without_the_database_a_key_is_503(keyed, shop, monkeypatch):
    """Without this the keeper's own failure would be an answer without a body that clients can read."""

    async def run():
        async with keyed(Row) as client:
            return await shop.post(client)

    monkeypatch.setenv("DATABASE_URL", f"postgresql://me@127.0.0.1:{serving.free_port()}/shop")
    answer = asyncio.run(run())
    assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_claim_of_a_dead_process_ends(keyed, shop):
    """Without this a crash would block its key for ever."""

    async def run():
        async with keyed(Valkey, lock_s=0.1) as client:
            # The first one still runs when its claim ends: to others it is as if it were dead.
            first = asyncio.create_task(shop.post(client, "wait before_effect"))
            await asyncio.sleep(0.1)
            start_s = time.monotonic()
            seen = []
            while not seen or (seen[-1] == 409 and time.monotonic() < start_s + 20):
                seen.append((await shop.post(client)).status_code)
                await asyncio.sleep(0.02)
            await first
            return seen

    assert asyncio.run(run())[-1] == 201
    # The price of a claim that ends by itself: a first one that was merely slow has made its order, too.
    assert shop.rows == 2


def test_rows_need_a_transaction_and_keys_need_stored_orders(keyed, filled, monkeypatch):
    """Without this an arm would be measured as if it kept keys, and keep none."""

    async def run(made):
        async with made:
            pass

    monkeypatch.setenv("DATABASE_URL", filled)
    with pytest.raises(ValueError, match="orm, core or sqlmodel"):
        asyncio.run(run(keyed(Row, "plain")))
    for kind in (Row, Valkey):
        with pytest.raises(ValueError, match="SERVICE_DATA__KIND=postgres"):
            asyncio.run(run(serving.service(idempotency=kind())))


def test_a_store_without_an_address_is_named_before_anything_starts(monkeypatch):
    """Without this a typing error would be measured as a service that refuses every order."""
    variables = {"SERVICE_IDEMPOTENCY__KIND": "valkey", "REDIS_URL": ""}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="REDIS_URL: missing"):
        read_settings(variables)


def test_off_leaves_no_trace(filled):
    """Without this a service without keys would pay for them: a frame, modules, endpoints."""
    code = (
        "import asyncio, json, sys\n"
        "from targets.service.main import create_app\n"
        "app = create_app()\n"
        "async def run():\n"
        "    async with app.router.lifespan_context(app) as state:\n"
        "        return 'idempotency' in state\n"
        "kept = asyncio.run(run())\n"
        "loaded = [name for name in sys.modules if name.startswith('targets.service.idempotency')]\n"
        "frames = [frame.cls.__name__ for frame in app.user_middleware]\n"
        "print(json.dumps([kept, loaded, 'IdempotencyMiddleware' in frames, 'redis' in sys.modules]))\n"
    )
    changes = {"SERVICE_DATA__KIND": "postgres", "DATABASE_URL": filled}
    done = subprocess.run(
        [sys.executable, "-c", code], env=serving.environment(changes), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [False, [], False, False]
