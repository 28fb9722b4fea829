"""A database with users and products, the service with idempotency keys on it, and who places orders there."""

from __future__ import annotations

from uuid import uuid4

import pytest

from targets.service.practices.data import Postgres
from targets.service.practices.idempotency import Off, Valkey
from targets.service.seed.filling import fill, size_of
from tests.support import serving
from tests.support.databases import database, rows


@pytest.fixture(scope="session")
def filled(postgres):
    """Give the URL of a database with users and products."""
    with database(postgres.url) as url:
        fill(url, size_of(100), 5)
        yield url


@pytest.fixture(scope="session")
def order(filled):
    """Give the body of an order that can be placed."""
    user = "select min(id) from users where deleted_at is null"
    product = "select min(id) from products where deleted_at is null"
    ((user_id, product_id),) = rows(filled, f"select ({user}), ({product})")
    line = {"product_id": product_id, "quantity": 2, "unit_price": "12.50"}
    return {"user_id": user_id, "currency": "EUR", "lines": [line], "placed_at": "2026-11-25T00:00:00Z"}


@pytest.fixture
def keyed(filled, valkey, monkeypatch):
    """Start the service on the real servers, with keys that are its own and faults that it obeys."""
    monkeypatch.setenv("DATABASE_URL", filled)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    rows(filled, "truncate idempotency_keys")

    def start(kind, access="orm", driver="asyncpg", **settings):
        own = {"namespace": f"test-{uuid4().hex}"} if kind is Valkey else {}
        given = {} if kind is Off else {"faults": "on", **own, **settings}
        return serving.service(data=Postgres(access=access, driver=driver), idempotency=kind(**given))

    return start


@pytest.fixture
def shop(filled, order):
    """Give what places orders under a key, and what counts them in the database."""

    class Shop:
        """Orders whose note is their key."""

        key = uuid4().hex

        async def post(self, client, fault="", headers=None, **changes):
            """Place the order."""
            fields = {"Idempotency-Key": self.key, "X-Fault": fault} if headers is None else headers
            return await client.post("/api/v1/orders", json={**order, "note": self.key, **changes}, headers=fields)

        @property
        def rows(self):
            """Count the orders that were made."""
            return rows(filled, f"select count(*) from orders where note = '{self.key}'")[0][0]  # noqa: S608  (ours)

    return Shop()
