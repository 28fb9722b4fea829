"""Stored orders, products and events over the whole stack; every test's rows are rolled back."""

from __future__ import annotations

import json
import math

import pytest
from sqlalchemy import select

from targets.service.models import EventBigint, User
from tests.service.factories.orders import stored_order
from tests.service.factories.products import ProductFactory

pytestmark = pytest.mark.asyncio


async def body_for(session, **changes):
    """Store a user and two products, and give the body of an order of theirs."""
    products = ProductFactory.build_batch(2)
    user = User(email="buyer@example.org", name="Buyer")
    session.add_all([*products, user])
    await session.commit()
    lines = [
        {"product_id": products[0].id, "quantity": 3, "unit_price": "0.10"},
        {"product_id": products[1].id, "quantity": 1, "unit_price": "19.99"},
    ]
    order = {"user_id": user.id, "currency": "EUR", "lines": lines, "placed_at": "2026-11-24T09:30:00+01:00"}
    return {**order, "note": None, **changes}


async def test_an_order_is_priced_stored_and_read_with_lines_and_user(client, db_session):
    """Without this an order would come back other than it was placed."""
    body = await body_for(db_session)
    made = await client.post("/api/v1/orders", json=body)
    assert made.status_code == 201
    assert (made.json()["total"], made.json()["pieces"], made.json()["status"]) == ("20.29", 4, "placed")
    assert made.json()["placed_at"] == "2026-11-24T08:30:00Z"
    assert [line["line_total"] for line in made.json()["lines"]] == ["0.30", "19.99"]
    read = (await client.get(f"/api/v1/orders/{made.json()['id']}")).json()
    assert read.pop("user")["email"] == "buyer@example.org"
    assert read == made.json()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"user_id": 2**40}, "unknown-user"),
        ({"lines": [{"product_id": 2**40, "quantity": 1, "unit_price": "1"}]}, "unknown-product"),
        ({"lines": []}, "validation-failed"),
        ({"note": "a\x00b"}, "validation-failed"),
        ({"user_id": 2**63}, "validation-failed"),
        ({"placed_at": "2026-11-24T09:30:00"}, "validation-failed"),
        ({"placed_at": "0001-01-01T00:00:00+14:00"}, "moment-out-of-range"),
    ],
)
async def test_an_order_that_cannot_be_is_422_and_leaves_nothing(client, db_session, change, code):
    """Without this half an order could be stored, or bad input would be a 500."""
    answer = await client.post("/api/v1/orders", json=await body_for(db_session, **change))
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert (await client.get("/api/v1/orders")).json()["data"] == []


async def test_a_deleted_order_never_shows(client, db_session):
    """Without this what was deleted would come back in some list."""
    stays, goes = [await stored_order(db_session) for _ in range(2)]
    path = f"/api/v1/orders/{goes.id}"
    answers = [await client.delete(path), await client.delete(path), await client.get(path)]
    assert [answer.status_code for answer in answers] == [204, 404, 404]
    for query in ("", "?page=1", "?after_id=0", f"?before_id={2**63 - 1}", "?expand=lines", f"?user_id={goes.user_id}"):
        shown = (await client.get(f"/api/v1/orders{query}")).json()["data"]
        assert [row["id"] for row in shown] == ([] if "user_id" in query else [stays.id])


async def test_the_first_page_of_an_empty_table_is_empty_and_the_second_is_not_there(client):
    """Without this a new service would look broken, or would promise pages for ever."""
    first, second = await client.get("/api/v1/orders?page=1"), await client.get("/api/v1/orders?page=2")
    assert (first.status_code, first.json()["data"]) == (200, [])
    assert first.json()["meta"] == {"total": None, "page": 1, "cursor": None, "limit": 50}
    assert (second.status_code, second.json()["code"]) == (404, "page-not-found")


async def test_a_product_counts_its_versions(client, db_session):
    """Without this a cache could not tell an old value from a new one."""
    product = ProductFactory.build()
    db_session.add(product)
    await db_session.commit()
    path = f"/api/v1/products/{product.id}"
    before = (await client.get(path)).json()
    changed = (await client.patch(path, json={"price": "12.5", "stock": 7})).json()
    again = (await client.patch(path, json={"name": "Other"})).json()
    assert [p["version"] for p in (before, changed, again)] == [1, 2, 3]
    assert (again["price"], again["stock"], again["name"]) == ("12.50", 7, "Other")
    assert (await client.get(path)).json() == again
    missing = await client.patch("/api/v1/products/1099511627776", json={"stock": 1})
    assert (missing.status_code, missing.json()["code"]) == (404, "product-not-found")


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"a": "\x00"}, 422),
        ({"\x00": 1}, 422),
        ({"a": "\ud800"}, 422),
        ({"a": math.nan}, 422),
        ({"n": {"n": 10**400}}, 201),
        ({"a": "\u2028"}, 201),
    ],
)
async def test_a_payload_is_kept_or_refused_but_never_a_500(client, db_session, payload, status):
    """Without this text that JSON allows and PostgreSQL does not would be a 500."""
    kept = await client.post("/api/v1/events", json={"kind": "k", "payload": {"b": 2, "a": [1, None]}})
    assert kept.status_code == 201
    stored = await db_session.scalar(select(EventBigint.payload).where(EventBigint.id == kept.json()["id"]))
    assert stored == {"b": 2, "a": [1, None]}
    raw, headers = json.dumps({"kind": "k", "payload": payload}), {"content-type": "application/json"}
    assert (await client.post("/api/v1/events", content=raw, headers=headers)).status_code == status
