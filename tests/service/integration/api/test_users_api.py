"""Users over the whole stack; every test's rows are rolled back."""

from __future__ import annotations

import pytest

from tests.service.factories.users import UserFactory

pytestmark = pytest.mark.asyncio

NEW = {"email": "ada@example.org", "name": "Ada"}


async def test_a_user_can_be_created_changed_and_deleted(client):
    """Without this the simplest writes of the data layer would be broken."""
    made = await client.post("/api/v1/users", json=NEW)
    path = f"/api/v1/users/{made.json()['id']}"
    changed = await client.patch(path, json={"name": "Ada L.", "email": None})
    read = await client.get(path)
    deleted = await client.delete(path)
    gone = [await client.get(path), await client.patch(path, json={"name": "X"}), await client.delete(path)]
    assert [a.status_code for a in (made, changed, read, deleted, *gone)] == [201, 200, 200, 204, 404, 404, 404]
    assert (read.json()["name"], read.json()["email"]) == ("Ada L.", NEW["email"])
    assert changed.json() == read.json()
    assert deleted.content == b""
    assert gone[0].json()["code"] == "user-not-found"


async def test_an_address_can_be_taken_once_and_again_after_a_deletion(client):
    """Without this two people could share an account, or a deleted one would block its address for ever."""
    first = await client.post("/api/v1/users", json=NEW)
    second = await client.post("/api/v1/users", json=NEW)
    assert (second.status_code, second.json()["code"]) == (409, "already-exists")
    other = await client.post("/api/v1/users", json={**NEW, "email": "bob@example.org"})
    clash = await client.patch(f"/api/v1/users/{other.json()['id']}", json={"email": NEW["email"]})
    assert clash.status_code == 409
    await client.delete(f"/api/v1/users/{first.json()['id']}")
    assert (await client.post("/api/v1/users", json=NEW)).status_code == 201


async def test_a_failed_request_leaves_the_next_one_alone(client):
    """Without this one conflict would break the connection for those who get it next."""
    for _ in range(3):
        await client.post("/api/v1/users", json=NEW)
    assert (await client.get("/api/v1/users")).status_code == 200


async def test_the_list_shows_each_living_user_once(client, db_session):
    """Without this a walk over the users would miss some, or show deleted ones."""
    users = UserFactory.build_batch(7)
    db_session.add_all(users)
    await db_session.commit()
    await client.delete(f"/api/v1/users/{users[3].id}")
    link, seen = f"/api/v1/users?limit=2&after_id={users[0].id - 1}", []
    while link is not None:
        page = (await client.get(link)).json()
        seen += [row["id"] for row in page["data"]]
        link = page["links"]["next"]
    assert seen == [user.id for user in users if user is not users[3]]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/users", {**NEW, "email": "no address"}),
        ("POST", "/api/v1/users", {**NEW, "name": "a\x00b"}),
        ("POST", "/api/v1/users", {**NEW, "name": ""}),
        ("POST", "/api/v1/users", {**NEW, "id": 1}),
        ("GET", "/api/v1/users/0", None),
        ("GET", f"/api/v1/users/{2**63}", None),
        ("GET", "/api/v1/users?limit=0", None),
        ("GET", f"/api/v1/users?after_id={2**63}", None),
    ],
)
async def test_unfit_requests_are_422(client, method, path, body):
    """Without this bad input would be a 500 from the database."""
    answer = await client.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation-failed")


async def test_tests_leave_no_rows(client):
    """Without this a test would see what another one wrote."""
    assert (await client.get("/api/v1/users")).json()["data"] == []
