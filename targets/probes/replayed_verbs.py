"""Whether a request may be repeated when its answer was lost: the state after one and after two, as JSON lines.

``python -m targets.probes.replayed_verbs [--tries 20] [--quick]`` on DATABASE_URL, which it writes to.

A request goes out on a socket of its own.  As soon as the answer has arrived, and so the effect is committed, the
connection is reset without reading it.  Then the request is sent again, as a client does that knows nothing, and the
database before and after that is compared: every row of users and products, and number and last id of orders.

Each line is one verb: ``{"subject", "case", "cases", "state_differences", "audit_differences", "status"}``.

- ``state_differences`` are repeats that changed what the table is about (``deleted_at`` too), ``audit_differences``
  those that changed only who and when: ``version``, ``updated_at`` and their like.
- ``status`` are the retries' statuses.  A second DELETE may well find nothing (RFC 9110, 9.2.2: the intended effect is
  the same, the answer may differ).
- ``POST`` is the twin: it must make a second row each time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import select
import socket
import struct
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx

from targets.probes import plain
from targets.probes.served import served

STORED = {"SERVICE_DATA__KIND": "postgres"}
ANSWER_S = 30.0

AUDIT = frozenset({"created_at", "created_by", "updated_at", "updated_by", "version"})
"""Columns that say who and when, and how often."""

STATE = """
select 'user ' || id as name, to_jsonb(users)::text as fields from users
union all select 'product ' || id, to_jsonb(products)::text from products
union all select 'orders', jsonb_build_object('count', count(*), 'last', max(id))::text from orders
"""
LIVE_USERS = "select id from users where deleted_at is null order by id"
LIVE_PRODUCTS = "select id from products where deleted_at is null order by id"

State = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Verb:
    """One kind of request: where it goes, and a body that changes something, by the number of the try."""

    subject: str
    method: str
    noun: str
    """Whose row it is about."""
    body: Callable[[int, int], Mapping[str, Any]] | None = None
    """From the number of the try and the row's id."""
    twin: bool = False


VERBS = (
    Verb("GET", "GET", "users"),
    Verb("PUT", "PUT", "users", lambda one, row: {"email": f"put-{row}@example.org", "name": f"Put {one}"}),
    Verb("PATCH, merge", "PATCH", "products", lambda one, _: {"price": f"{one + 1}.07", "name": f"Merged {one}"}),
    Verb("PATCH, delta", "PATCH", "products", lambda _, __: {"stock_delta": -1}),
    Verb("DELETE", "DELETE", "users"),
    Verb("POST", "POST", "users", lambda one, _: {"name": f"Order {one}"}, twin=True),
)


def main(arguments: Sequence[str]) -> None:
    """Print one line for each verb."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="three tries of each verb")
    chosen = parser.parse_args(arguments)
    with served(STORED) as url:
        asyncio.run(_observe(url, 3 if chosen.quick else max(1, chosen.tries)))


async def _observe(url: str, tries: int) -> None:
    async with (
        asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=0, max_size=1) as pool,
        plain.client(timeout=ANSWER_S) as client,
    ):
        rows = {
            "users": [row["id"] for row in await pool.fetch(LIVE_USERS)],
            "products": [row["id"] for row in await pool.fetch(LIVE_PRODUCTS)],
        }
        for verb in VERBS:
            found = [await _replay(url, pool, client, verb, one, rows) for one in range(tries)]
            line = {
                "subject": verb.subject,
                "case": verb.subject,
                "cases": tries,
                "state_differences": sum(state for state, _, _ in found),
                "audit_differences": sum(audit for _, audit, _ in found),
                "status": sorted({status for _, _, status in found}),
            }
            sys.stdout.write(json.dumps(line | ({"twin": True} if verb.twin else {})) + "\n")
            sys.stdout.flush()


async def _replay(
    url: str,
    pool: asyncpg.Pool[asyncpg.Record],
    client: httpx.AsyncClient,
    verb: Verb,
    one: int,
    rows: Mapping[str, Sequence[int]],
) -> tuple[bool, bool, int]:
    """Lose an answer, repeat, and give whether that changed state, whether audit columns alone, and the status."""
    number = rows[verb.noun][one % len(rows[verb.noun])]
    path = f"/api/v1/{verb.noun}/{number}"
    body = None if verb.body is None else verb.body(one, number)
    if verb.twin:
        path, body = "/api/v1/orders", _order(rows, one)
    before = await _state(pool)
    await asyncio.to_thread(lose_answer, url, verb.method, path, body)
    after_one = await _state(pool)
    if verb.method != "GET" and after_one == before:
        raise RuntimeError(f"{verb.subject} had no effect that an answer could have been lost of")
    answer = await client.request(verb.method, url + path, json=body)
    state, audit = compared(after_one, await _state(pool))
    return state, audit, answer.status_code


def _order(rows: Mapping[str, Sequence[int]], one: int) -> dict[str, Any]:
    line = {"product_id": rows["products"][0], "quantity": 1, "unit_price": "1.00"}
    # The users that DELETE has left: it took the first ones.
    order = {"user_id": rows["users"][-1], "currency": "EUR", "lines": [line]}
    return {**order, "placed_at": "2026-11-25T00:00:00Z", "note": f"replayed {one}"}


def lose_answer(url: str, method: str, path: str, body: Mapping[str, Any] | None) -> None:
    """Send a request and reset the connection as soon as its answer has arrived, unread."""
    parts = urlsplit(url)
    content = b"" if body is None else json.dumps(body).encode()
    fields = {"Host": parts.netloc, "Content-Type": "application/json", "Content-Length": str(len(content))}
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    with socket.create_connection((parts.hostname or "", parts.port or 80), ANSWER_S) as connection:
        # Closing resets: nothing lingers, nothing is read.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(head.encode() + b"\r\n" + content)
        if not select.select([connection], [], [], ANSWER_S)[0]:
            raise RuntimeError(f"{method} {path} was not answered within {ANSWER_S:.0f} s")


async def _state(pool: asyncpg.Pool[asyncpg.Record]) -> State:
    return {row["name"]: json.loads(row["fields"]) for row in await pool.fetch(STATE)}


def compared(one: State, other: State) -> tuple[bool, bool]:
    """Whether rows differ in what they are about, and, if not, whether in who and when alone."""
    changed = [
        {name for name in {**was, **now} if was.get(name) != now.get(name)}
        for row in {**one, **other}
        for was, now in [(one.get(row, {}), other.get(row, {}))]
    ]
    state = any(names - AUDIT for names in changed)
    return state, not state and any(changed)


if __name__ == "__main__":
    main(sys.argv[1:])
