"""PUT of a user and PATCH by a difference, through every way of access."""

from __future__ import annotations

import asyncio

import pytest

from targets.service.practices.data import Postgres
from tests.support import serving

ACCESS = ["orm", "core", "plain", "sqlmodel"]


@pytest.fixture
def service(filled, monkeypatch):
    """Start the service on the database."""
    monkeypatch.setenv("DATABASE_URL", filled)
    return lambda access: serving.service(data=Postgres(access=access))


@pytest.mark.parametrize("access", ACCESS)
def test_a_user_is_replaced_as_a_whole_and_never_made(access, service):
    """Without this a PUT would be a PATCH that forgets fields, or would make users at ids of the client's."""
    whole = {"email": f"put-{access}@example.org", "name": "Whole"}

    async def run():
        async with service(access) as client:
            answers = [await client.put("/api/v1/users/3", json=whole) for _ in range(2)]
            read = await client.get("/api/v1/users/3")
            bad = [await client.put("/api/v1/users/3", json={"name": "Half"})]
            bad.append(await client.put(f"/api/v1/users/{2**40}", json={**whole, "email": "nobody@example.org"}))
            bad.append(await client.put("/api/v1/users/4", json=whole))
            return answers, read, bad

    answers, read, bad = asyncio.run(run())
    assert [answer.status_code for answer in (*answers, read, *bad)] == [200, 200, 200, 422, 404, 409]
    assert {name: read.json()[name] for name in whole} == whole


@pytest.mark.parametrize("access", ACCESS[:3])
def test_a_difference_counts_on_from_what_is_there(access, service):
    """Without this stock that was sold at the same moment would come back."""

    async def run():
        async with service(access) as client:
            path = "/api/v1/products/2"
            set_to = await client.patch(path, json={"stock": 10})
            await asyncio.gather(*(client.patch(path, json={"stock_delta": -1}) for _ in range(12)))
            read = await client.get(path)
            bad = [{"stock": 1, "stock_delta": 1}, {"stock_delta": 1001}, {"stock_delta": "many"}]
            return set_to, read, [await client.patch(path, json=body) for body in bad]

    set_to, read, bad = asyncio.run(run())
    assert (set_to.json()["stock"], read.json()["stock"]) == (10, -2)
    assert read.json()["version"] == set_to.json()["version"] + 12
    assert {answer.status_code for answer in bad} == {422}
