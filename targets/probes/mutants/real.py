"""The same code on PostgreSQL, opened as the service opens it: rows in, rows out."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import asyncpg

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
PRICE = Decimal("19.99")

Sql: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SEED = """
truncate users, products, orders, order_lines restart identity;
insert into users (email, name) select 'u' || n || '@example.org', 'U' from generate_series(1, 2) n;
insert into products (sku, name, category, price, currency, stock)
select 'sku' || n, 'p', 'c', 19.99, 'EUR', 1 from generate_series(1, 2) n;
insert into orders (user_id, status, currency, total, pieces, placed_at, deleted_at)
select 1 + n % 2, 'placed', 'EUR', 19.99, 1, timestamptz '2026-01-01 00:00:00+00' + (n / 3) * interval '1 hour',
       case when n % 4 = 3 then now() end
from generate_series(0, 19) n;
insert into order_lines (order_id, position, product_id, quantity, unit_price, line_total)
select o.id, p, p, 1, 19.99, 19.99 from orders o, generate_series(1, 2) p;
"""
"""Two users, two products; orders in threes that share a time, every fourth deleted, two lines each."""


def check() -> None:
    """Run every test; AssertionError at the first that fails."""
    asyncio.run(_check(os.environ["DATABASE_URL"]))


async def _check(url: str) -> None:
    from targets.service.database.engine import core_parts, opened  # noqa: PLC0415  (after the fault is seeded)
    from targets.service.database.options import Postgres  # noqa: PLC0415  (after the fault is seeded)

    sql = await asyncpg.connect(url)
    try:
        await sql.execute(SEED)
        async with opened(url, Postgres(access="core", loading="joined"), core_parts) as backend:
            for test in TESTS:
                await test(backend, sql)
    finally:
        await sql.close()


async def _live(sql: Sql, user_id: int | None = None) -> list[int]:
    text = (
        "select id from orders where deleted_at is null and ($1::bigint is null or user_id = $1) order by placed_at, id"
    )
    return [row["id"] for row in await sql.fetch(text, user_id)]


async def _pages(backend: Any, sql: Sql) -> None:
    from targets.service.repositories.window import Moment, Window  # noqa: PLC0415  (after the fault is seeded)

    wanted = await _live(sql)
    async with backend.work() as work:
        seen: list[int] = []
        place: Moment | None = None
        while page := await work.orders.page(Window(4, place), lines=False):
            assert len(page) <= 4  # noqa: PLR2004  (the limit)
            seen += [order.id for order in page]
            place = Moment(page[-1].placed_at, page[-1].id)
            assert len(seen) <= len(wanted)
        assert seen == wanted
        by_number = await work.orders.page(Window(4, offset=4), lines=False)
        assert [order.id for order in by_number] == wanted[4:8]
        mine = await work.orders.page(Window(20, user_id=1), lines=False)
        assert [order.id for order in mine] == await _live(sql, 1)
        assert await work.orders.page(Window(4, Moment(FIRST + timedelta(days=9), 1)), lines=False) == []


async def _backward(backend: Any, sql: Sql) -> None:
    from targets.service.repositories.window import Moment, Window  # noqa: PLC0415  (after the fault is seeded)

    wanted = await _live(sql)
    async with backend.work() as work:
        last = (await work.orders.page(Window(1, offset=8), lines=False))[0]
        page = await work.orders.page(Window(4, Moment(last.placed_at, last.id), backward=True), lines=False)
        assert [order.id for order in page] == wanted[4:8]


async def _lines(backend: Any, sql: Sql) -> None:
    from targets.service.repositories.window import Window  # noqa: PLC0415  (after the fault is seeded)

    wanted = (await _live(sql))[:5]
    async with backend.work() as work:
        orders = await work.orders.page(Window(5), lines=True)
    assert [order.id for order in orders] == wanted
    assert all(
        [(line.position, line.line_total) for line in order.lines] == [(1, PRICE), (2, PRICE)] for order in orders
    )
    assert all(order.total == PRICE for order in orders)


async def _count(backend: Any, sql: Sql) -> None:
    async with backend.work() as work:
        assert await work.orders.count(None) == len(await _live(sql))
        assert await work.orders.count(1) == len(await _live(sql, 1))


async def _users(backend: Any, _: Sql) -> None:
    async with backend.work() as work:
        users = work.users
        ada = await users.add("ada@example.org", "Ada")
        bob = await users.add("bob@example.org", "Bob")
        assert (ada.email, ada.name) == ("ada@example.org", "Ada")
        assert (await users.get(ada.id)).email == "ada@example.org"
        assert (await users.change(ada.id, {"name": "Lovelace"})).name == "Lovelace"
        assert (await users.get(bob.id)).name == "Bob"
        assert await users.remove(ada.id)
        assert await users.get(ada.id) is None
        assert not await users.remove(ada.id)
        assert await users.change(ada.id, {"name": "Gone"}) is None
        assert (await users.get(bob.id)).name == "Bob"


async def _list(backend: Any, _: Sql) -> None:
    async with backend.work() as work:
        made = [await work.users.add(f"user{number}@example.org", f"User {number}") for number in range(5)]
        ids = [user.id for user in made]
        assert [user.id for user in await work.users.after(ids[0] - 1, 3)] == ids[:3]
        assert [user.id for user in await work.users.after(ids[2], 3)] == ids[3:]


async def _kept(backend: Any, sql: Sql) -> None:
    async with backend.work() as work:
        made = await work.users.add("kept@example.org", "Kept")
    assert await sql.fetchval("select name from users where id = $1", made.id) == "Kept"


async def _undone(backend: Any, sql: Sql) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with backend.work() as work:
            await work.users.add("undone@example.org", "Undone")
            _ = 1 // 0
    assert await sql.fetchval("select count(*) from users where name = 'Undone'") == 0


async def _connection(backend: Any, _: Sql) -> None:
    async with backend.work() as work:
        await work.users.get(1)
        await work.users.get(2)
        # One request holds one connection, however many statements it runs.
        assert backend.pool()["used"] == 1


async def _refused(backend: Any, sql: Sql) -> None:
    async def twice(work: Any) -> None:
        await work.users.add("u1@example.org", "Twice")

    async def nobody(work: Any) -> None:
        await work.orders.add(_new(user_id=10**9))

    assert await _status(backend, twice) == 409  # noqa: PLR2004  (a conflict)
    assert await _status(backend, nobody) == 422  # noqa: PLR2004  (an unknown reference)
    async with sql.transaction():
        await sql.execute("lock table users in access exclusive mode")
        assert await _status(backend, _impatient) == 503  # noqa: PLR2004  (busy: try again)


async def _impatient(work: Any) -> None:
    from sqlalchemy import text  # noqa: PLC0415  (beside its only use)

    # A request that does not wait for a lock, as a service under a lock_timeout.
    await work.users._run(text("set local lock_timeout = '20ms'"))  # noqa: SLF001  (no repository sets it)
    await work.users.get(1)


async def _status(backend: Any, act: Callable[[Any], Awaitable[None]]) -> int:
    """What a client would be told."""
    from targets.service.problems import Problem  # noqa: PLC0415  (after the fault is seeded)

    try:
        async with backend.work() as work:
            await act(work)
    except Problem as problem:
        return problem.status_code
    return 200


def _new(user_id: int) -> Any:
    from targets.service.repositories.records import NewStoredOrder, StoredLine  # noqa: PLC0415  (after the fault)

    line = StoredLine(1, 2, 3, Decimal("1.25"), Decimal("3.75"))
    return NewStoredOrder(user_id, "placed", "EUR", Decimal("3.75"), 3, FIRST, None, (line,))


async def _placed(backend: Any, _: Sql) -> None:
    async with backend.work() as work:
        made = await work.orders.add(_new(user_id=1))
        found = await work.orders.get(made.id)
    (line,) = found.lines
    assert (line.product_id, line.quantity, line.line_total) == (2, 3, Decimal("3.75"))


async def _product(backend: Any, _: Sql) -> None:
    changed = await backend.products.change(1, {"price": Decimal("5.01")})
    assert (changed.price, changed.version) == (Decimal("5.01"), 2)
    assert (await backend.products.get(1)).version == 2  # noqa: PLR2004  (changed once)
    assert (await backend.products.get(2)).price == PRICE


TESTS = (
    _pages,
    _backward,
    _lines,
    _count,
    _connection,
    _users,
    _list,
    _kept,
    _undone,
    _refused,
    _placed,
    _product,
)
"""Those that read the seeded rows come before those that add some."""
