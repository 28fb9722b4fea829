"""Every way of access, driver, loading and serializer gives the same answers, with the statements it is known for."""

from __future__ import annotations

import asyncio
import json
import re
from uuid import UUID

import pytest

from targets.service.settings import serializers
from tests.support import serving
from tests.support.databases import database, rows

ACCESSES, DRIVERS = ("orm", "core", "plain", "sqlmodel"), ("asyncpg", "psycopg")
LOADINGS = ("lazy", "joined", "selectin", "contains_eager", "batch")
VARIANTS = [(access, driver) for access in ACCESSES for driver in DRIVERS]
MOMENT = re.compile(r'"(created_at|updated_at)":"[^"]*Z"')
ORDER = {
    "user_id": 7,
    "currency": "EUR",
    "lines": [
        {"product_id": 3, "quantity": 2, "unit_price": "12.5"},
        {"product_id": 1, "quantity": 1, "unit_price": "3.20"},
    ],
    "placed_at": "2026-11-24T09:30:00.000060+05:30",
    "note": 'Ünïcödé "漢字" 🙂',
}
READS = [
    "/api/v1/orders",
    "/api/v1/orders?limit=7&expand=lines",
    "/api/v1/orders?limit=7&page=3&expand=lines",
    "/api/v1/orders?limit=7&after_id=90",
    "/api/v1/orders?limit=7&before_id=90&expand=lines&user_id=7",
    "/api/v1/orders/1",
    "/api/v1/users?limit=3&after_id=5",
    "/api/v1/users/7",
    "/api/v1/products/3",
    "/health/ready",
    "/openapi.json",
]
WRITES = [
    ("POST", "/api/v1/users", {"email": "ada@example.org", "name": "Ada"}),
    ("POST", "/api/v1/users", {"email": "ada@example.org", "name": "Again"}),
    ("PATCH", "/api/v1/users/1", {"name": "Changed"}),
    ("PATCH", "/api/v1/users/2", {"email": "user3@example.org"}),
    ("PATCH", "/api/v1/users/2", {}),
    ("PATCH", "/api/v1/users/5000", {"name": "Nobody"}),
    ("DELETE", "/api/v1/users/9", None),
    ("DELETE", "/api/v1/users/9", None),
    ("GET", "/api/v1/users/9", None),
    ("POST", "/api/v1/orders", ORDER),
    ("POST", "/api/v1/orders", {**ORDER, "user_id": 9}),
    ("POST", "/api/v1/orders", {**ORDER, "lines": [{"product_id": 5000, "quantity": 1, "unit_price": "1"}]}),
    ("GET", "/api/v1/orders/401", None),
    ("DELETE", "/api/v1/orders/401", None),
    ("DELETE", "/api/v1/orders/401", None),
    ("GET", "/api/v1/orders/401", None),
    ("PATCH", "/api/v1/products/3", {"price": "7.1", "stock": 0}),
    ("PATCH", "/api/v1/products/3", {"name": "Named"}),
    ("PATCH", "/api/v1/products/3", {}),
    ("GET", "/api/v1/products/3", None),
    ("PATCH", "/api/v1/products/5000", {"stock": 1}),
    ("POST", "/api/v1/events", {"kind": "k", "payload": {"b": [1, None, "ü"]}}),
    ("POST", "/api/v1/events", {"kind": "k", "payload": {"b": "\x00"}}),
]
WRITERS = (
    "select created_by, updated_by from (select created_by, updated_by, id from users where id in (1, 9, 10, 101)"
    " union all select created_by, updated_by, 1000 from products where id = 3) touched order by id"
)
SAME = {"X-Request-ID": "same"}


def service_answers(requests, serializer="pydantic", **data):
    """Send requests one after the other; gives status, headers and body without the moments that the server sets."""

    async def run():
        async with serving.service(serializer=serializer, data={"kind": "postgres", **data}) as client:
            answers = [await client.request(m, path, json=body, headers=SAME) for m, path, body in requests]
            return [(a.status_code, a.headers["content-type"] if a.content else "", a.text) for a in answers]

    return asyncio.run(run())


def reads():
    """Give the reads as requests."""
    return [("GET", path, None) for path in READS]


@pytest.fixture(scope="module")
def written(postgres, seeded):
    """Give each variant's answers to the writes, and who wrote the rows then, on a copy of the seeded database."""
    answers, writers = {}, {}
    with pytest.MonkeyPatch.context() as patch:
        for variant in VARIANTS:
            with database(postgres.url, seeded) as url:
                patch.setenv("DATABASE_URL", url)
                answers[variant] = service_answers(WRITES, access=variant[0], driver=variant[1])
                writers[variant] = rows(url, WRITERS)
    return answers, writers


@pytest.mark.parametrize(("access", "driver"), VARIANTS)
def test_reads_are_the_same_bytes(seeded, monkeypatch, access, driver):
    """Without this a cheaper way of access could be cheaper because it says something else."""
    monkeypatch.setenv("DATABASE_URL", seeded)
    expected = service_answers(reads())
    assert service_answers(reads(), access=access, driver=driver) == expected
    assert {status for status, _, _ in expected} == {200}


@pytest.mark.parametrize("variant", VARIANTS, ids="-".join)
def test_writes_are_the_same_bytes_but_for_the_servers_clock(written, variant):
    """Without this one way of access would store or refuse what another does not."""
    mine, expected = (
        [(status, kind, MOMENT.sub("", text)) for status, kind, text in written[0][which]]
        for which in (variant, VARIANTS[0])
    )
    assert mine == expected
    statuses = [201, 409, 200, 409, 200, 404, 204, 404, 404, 201, 422, 422, 200, 204, 404, 404]
    assert [status for status, _, _ in mine] == [*statuses, 200, 200, 200, 200, 404, 201, 422]


@pytest.mark.parametrize("variant", VARIANTS, ids="-".join)
def test_changes_move_when_and_by_whom_a_row_was_changed_alone(written, variant):
    """Without this an audit would not know when a row was changed, or would lose when it was made."""
    changed = json.loads(written[0][variant][2][2])
    assert changed["created_at"] == "2019-12-01T00:00:01Z"
    assert changed["updated_at"] > "2026"
    # A changed and a deleted user, one that nobody touched, a new one, a changed product.
    touched, new = ("seed", "service"), ("service", "service")
    assert written[1][variant] == [touched, touched, ("seed", "seed"), new, touched]


@pytest.mark.parametrize("serializer", serializers())
@pytest.mark.parametrize(("access", "driver"), [("orm", "asyncpg"), ("plain", "psycopg")])
def test_every_serializer_says_the_same_of_rows(postgres, seeded, monkeypatch, serializer, access, driver):
    """Without this amounts, moments or keys of the database would change their spelling with the serializer."""
    monkeypatch.setenv("DATABASE_URL", seeded)
    data = {"access": access, "driver": driver, "keys": "uuid7"}
    paths = [request for request in reads() if request[1] != "/openapi.json"]
    expected, mine = service_answers(paths, **data), service_answers(paths, serializer, **data)
    assert [(s, k, json.loads(t)) for s, k, t in mine] == [(s, k, json.loads(t)) for s, k, t in expected]
    with database(postgres.url, seeded) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        placed, event = service_answers([WRITES[9], WRITES[-2]], serializer, **data)
    assert placed[0] == event[0] == 201
    assert json.loads(placed[2])["placed_at"] == "2026-11-24T04:00:00.000060Z"
    assert (json.loads(placed[2])["total"], json.loads(placed[2])["note"]) == ("28.20", ORDER["note"])
    assert UUID(json.loads(event[2])["id"]).version == 7


STATEMENTS = {"lazy": 1 + 120, "joined": 1, "selectin": 2, "contains_eager": 1, "batch": 1 + 2 * 3}
"""For a page of 119 orders: one order more is read, to know whether there is a next page; batches have fifty."""
STATEMENTS_OF_ONE = {"lazy": 3, "joined": 1, "selectin": 3, "contains_eager": 1, "batch": 3}


@pytest.mark.parametrize("loading", LOADINGS)
@pytest.mark.parametrize(("access", "driver"), VARIANTS)
def test_each_loading_gives_the_same_body_with_its_own_statements(seeded, monkeypatch, access, driver, loading):
    """Without this the trap of one query per row would not be where the arm's name says, or the arms would differ."""
    monkeypatch.setenv("DATABASE_URL", seeded)
    paths = ("/api/v1/orders?limit=119&expand=lines", "/api/v1/orders/1", "/api/v1/orders?limit=119")

    async def run(**data):
        async with serving.service(data={"kind": "postgres", **data}) as client:
            counts, bodies = [], []
            for path in paths:
                before = (await client.get("/internal/data")).json()["statements"]
                bodies.append((await client.get(path)).json())
                counts.append((await client.get("/internal/data")).json()["statements"] - before)
            return counts, bodies

    counts, bodies = asyncio.run(run(access=access, driver=driver, loading=loading))
    assert counts == [STATEMENTS[loading], STATEMENTS_OF_ONE[loading], 1]
    assert bodies == asyncio.run(run())[1]
    assert all(order["lines"] for order in bodies[0]["data"])
    assert all(order["lines"] is None for order in bodies[2]["data"])


@pytest.mark.parametrize("keys", ["bigint", "uuid4", "uuid7"])
@pytest.mark.parametrize(("access", "driver"), VARIANTS)
def test_events_get_the_kind_of_key_that_was_chosen(postgres, seeded, monkeypatch, access, driver, keys):
    """Without this a comparison of keys would compare one table with itself."""
    with database(postgres.url, seeded) as url:
        monkeypatch.setenv("DATABASE_URL", url)
        data = {"access": access, "driver": driver, "keys": keys}
        ids = [json.loads(text)["id"] for _, _, text in service_answers([WRITES[-2]] * 3, **data)]
    if keys == "bigint":
        assert ids == [1, 2, 3]
    else:
        assert {UUID(i).version for i in ids} == {int(keys[-1])}
        assert (ids == sorted(ids)) or keys == "uuid4"
