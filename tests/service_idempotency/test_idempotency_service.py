"""Idempotency keys in the whole service, on the real PostgreSQL and Valkey: one order for one key, or why not."""

from __future__ import annotations

import asyncio

import pytest

from targets.service.practices.idempotency import Off, Row, Valkey

ORDERS = "/api/v1/orders"
REPLAYED = "idempotency-replayed"
KINDS = [Row, Valkey]


STORES = [
    (Row, "orm", "asyncpg", "standard"),
    (Row, "orm", "psycopg", "draft"),
    (Row, "core", "asyncpg", "draft"),
    (Row, "core", "psycopg", "standard"),
    (Row, "sqlmodel", "asyncpg", "draft"),
    (Valkey, "orm", "asyncpg", "draft"),
    (Valkey, "plain", "psycopg", "standard"),
]


@pytest.mark.parametrize(("kind", "access", "driver", "rules"), STORES)
def test_a_repeat_is_the_same_answer_to_the_byte_and_makes_no_order(kind, access, driver, rules, keyed, shop):
    """Without this a client that repeats an order would pay twice, or read another answer."""

    async def run():
        async with keyed(kind, access, driver, rules=rules) as client:
            return [await shop.post(client) for _ in range(3)], await client.get("/internal/idempotency")

    (first, *again), report = asyncio.run(run())
    assert first.status_code == 201
    assert REPLAYED not in first.headers
    for answer in again:
        assert (answer.status_code, answer.content) == (201, first.content)
        assert answer.headers["content-type"] == first.headers["content-type"]
        assert answer.headers[REPLAYED] == "true"
        # The frames outside of this one do their part for a replay, too.
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert shop.rows == 1
    assert report.json()["answers"] >= 1
    assert report.json()["bytes"] > len(first.content)


def test_without_keys_each_repeat_makes_an_order(keyed, shop):
    """Without this the tests above would pass on a service that makes one order at most anyway."""

    async def run():
        async with keyed(Off) as client:
            return [await shop.post(client) for _ in range(3)]

    assert len({answer.content for answer in asyncio.run(run())}) == 3
    assert shop.rows == 3


@pytest.mark.parametrize("kind", KINDS)
def test_fifty_at_once_make_one_order(kind, keyed, shop):
    """Without this a double click would be two orders."""

    async def run():
        async with keyed(kind) as client:
            return await asyncio.gather(*(shop.post(client) for _ in range(50))), await shop.post(client)

    answers, last = asyncio.run(run())
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert {answer.content for answer in answers if answer.status_code == 201} == {last.content}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"idempotency-key-in-progress"}
    assert shop.rows == 1


@pytest.mark.parametrize(("kind", "rules"), [(Row, "draft"), (Valkey, "standard")])
def test_a_repeat_while_the_first_runs_is_409_at_once(kind, rules, keyed, shop):
    """Without this an impatient client would be processed twice, or wait as long as the first."""

    async def run():
        async with keyed(kind, rules=rules) as client:
            # Connections are there before the race begins.
            await client.get("/internal/idempotency")
            first = asyncio.create_task(shop.post(client, "wait after_effect"))
            # Until the first has claimed its key: a repeat that comes before would be the first itself.
            await asyncio.sleep(0.2)
            early, done = await shop.post(client), first.done()
            return await first, early, done, await shop.post(client)

    first, early, done, late = asyncio.run(run())
    assert not done
    assert (early.status_code, early.json()["code"]) == (409, "idempotency-key-in-progress")
    assert early.headers["content-type"] == "application/problem+json"
    assert (first.status_code, late.content) == (201, first.content)
    assert shop.rows == 1


@pytest.mark.parametrize(
    ("kind", "rules", "point", "last", "orders"),
    [
        (Row, "standard", "before_effect", 201, 1),
        (Row, "standard", "after_effect", 201, 1),
        (Row, "draft", "before_effect", 500, 0),
        (Row, "draft", "after_effect", 500, 0),
        (Valkey, "standard", "before_effect", 201, 1),
        # The order was committed before its request failed, and the table says to process it again.
        (Valkey, "standard", "after_effect", 201, 2),
        (Valkey, "draft", "before_effect", 500, 0),
        # The order is there, and the client is told for ever that it failed.
        (Valkey, "draft", "after_effect", 500, 1),
    ],
)
def test_a_failure_is_repeated_or_replayed(kind, rules, point, last, orders, keyed, shop):
    """Without this nobody would know which failures a retry makes good, and which it doubles."""

    async def run():
        async with keyed(kind, rules=rules) as client:
            return await shop.post(client, f"fail {point}"), await shop.post(client)

    first, again = asyncio.run(run())
    assert (first.status_code, first.json()["code"]) == (500, "ordered-failure")
    assert (again.status_code, shop.rows) == (last, orders)
    assert (again.content == first.content) == (REPLAYED in again.headers) == (rules == "draft")


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_was_lost_after_the_saving_is_replayed(kind, keyed, shop):
    """Without this the one case that keys are made for would be a second order."""

    async def run():
        async with keyed(kind) as client:
            return await shop.post(client, "fail after_save"), await shop.post(client)

    first, again = asyncio.run(run())
    assert (first.status_code, again.status_code, again.headers[REPLAYED], shop.rows) == (500, 201, "true", 1)


@pytest.mark.parametrize(
    ("kind", "rules", "kept"), [(Row, "standard", False), (Row, "draft", True), (Valkey, "draft", True)]
)
def test_a_refusal_by_the_service_is_kept_as_the_rules_say(kind, rules, kept, keyed, shop):
    """Without this an order that was refused could be half there, or its refusal be lost or kept against the rules."""
    wrong = [{"product_id": 2**40, "quantity": 1, "unit_price": "1"}]

    async def run():
        async with keyed(kind, rules=rules) as client:
            return [await shop.post(client, lines=wrong) for _ in range(2)], await client.get("/health/ready")

    (first, again), ready = asyncio.run(run())
    assert (first.status_code, first.json()["code"]) == (422, "unknown-product")
    assert (again.status_code, REPLAYED in again.headers, again.content == first.content) == (422, kept, kept)
    assert (shop.rows, ready.status_code) == (0, 200)


@pytest.mark.parametrize(("kind", "rules", "status"), [(Row, "draft", 422), (Valkey, "standard", 201)])
def test_another_body_under_a_known_key(kind, rules, status, keyed, shop):
    """Without this a client's mistake would be a second order, or be taken for the first without a word."""

    async def run():
        async with keyed(kind, rules=rules) as client:
            return await shop.post(client), await shop.post(client, currency="USD")

    first, other = asyncio.run(run())
    assert other.status_code == status
    assert (other.content == first.content) == (rules == "standard")
    assert shop.rows == 1


@pytest.mark.parametrize(
    ("kind", "rules", "tombstone_s", "status"),
    [
        (Row, "standard", 600, 409),
        (Row, "draft", 600, 201),
        (Valkey, "standard", 600, 409),
        (Valkey, "standard", 0, 201),
    ],
)
def test_an_expired_key_is_409_where_it_is_remembered_and_new_where_not(kind, rules, tombstone_s, status, keyed, shop):
    """Without this expiry would be a setting that nothing obeys."""

    async def run():
        async with keyed(kind, rules=rules, ttl_s=0.2, tombstone_s=tombstone_s) as client:
            first = await shop.post(client)
            await asyncio.sleep(0.25)
            return first, await shop.post(client), (await client.get("/internal/idempotency")).json()

    first, again, report = asyncio.run(run())
    assert (first.status_code, again.status_code) == (201, status)
    if status == 409:
        assert again.json()["code"] == "idempotency-key-expired"
        assert report["tombstones"] >= 1
    assert shop.rows == (1 if status == 409 else 2)


@pytest.mark.parametrize("kind", KINDS)
def test_memory_of_keys_can_be_aged_counted_and_purged(kind, keyed, shop):
    """Without this the price of telling expired keys from new ones could not be read, nor be bounded."""

    async def run():
        async with keyed(kind, ttl_s=100, tombstone_s=100) as client:
            await shop.post(client)
            seen = []
            for _ in range(2):
                await client.post("/internal/idempotency/age?seconds=110")
                await asyncio.sleep(0.05)
                await client.post("/internal/idempotency/purge")
                seen.append((await client.get("/internal/idempotency")).json())
                seen.append((await shop.post(client)).status_code)
            bad = [await client.post(f"/internal/idempotency/age{query}") for query in ("", "?seconds=0", "?seconds=x")]
            schema = (await client.get("/openapi.json")).json()
            return seen, bad, [path for path in schema["paths"] if "internal" in path]

    (expired, refused, gone, made), bad, documented = asyncio.run(run())
    assert (expired["answers"], refused, gone["answers"] + gone["tombstones"], made) == (0, 409, 0, 201)
    assert expired["tombstones"] == 1
    assert expired["bytes"] > gone["bytes"] == 0
    assert {answer.status_code for answer in bad} == {422}
    assert documented == []


def test_keys_are_missing_malformed_or_somebody_elses(keyed, shop):
    """Without this a key that protects nothing would look like one that does."""

    async def run():
        async with keyed(Row, required=True) as client:
            asked = [{}, {"Idempotency-Key": "a b"}, {"Idempotency-Key": shop.key, "X-Client": "a b"}]
            refused = [await shop.post(client, headers=headers) for headers in asked]
            mine = {"Idempotency-Key": f'"{shop.key}"', "X-Client": "ada"}
            orders = [
                await shop.post(client, headers=headers)
                for headers in (mine, {**mine, "Idempotency-Key": shop.key}, {**mine, "X-Client": "bob"})
            ]
            return refused, orders, await client.get(f"{ORDERS}?limit=1")

    refused, (ada, again, bob), others = asyncio.run(run())
    codes = ["idempotency-key-missing", "idempotency-key-malformed", "client-malformed"]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(400, code) for code in codes]
    assert (again.content, REPLAYED in bob.headers) == (ada.content, False)
    assert others.status_code == 200
    assert shop.rows == 2


def test_a_request_without_a_key_goes_its_way_and_an_order_to_fail_is_none_where_it_is_off(keyed, shop):
    """Without this keys would be forced on clients, or strangers could kill the service."""

    async def run():
        async with keyed(Valkey, faults="off") as client:
            plain = [await shop.post(client, headers={}) for _ in range(2)]
            return plain, await shop.post(client, "crash before_effect")

    plain, ordered = asyncio.run(run())
    assert [answer.status_code for answer in (*plain, ordered)] == [201] * 3
    assert shop.rows == 3
