"""The same code on PostgreSQL: rows in, rows out."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from targets.service.database.url import for_dialect

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def check() -> None:
    """Run every test; AssertionError at the first that fails."""
    asyncio.run(_check())


async def _check() -> None:
    engine = create_async_engine(for_dialect(os.environ["DATABASE_URL"], "asyncpg"), poolclass=NullPool)
    try:
        for test in (_users, _list, _committed, _pages, _lines, _placed, _count):
            await _emptied(engine)
            await test(engine)
    finally:
        await engine.dispose()


async def _emptied(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("truncate users, products, orders, order_lines restart identity"))


def _repositories(engine: AsyncEngine, stack: AsyncExitStack) -> tuple[Any, Any]:
    from targets.service.repositories.core.execution import Connected  # noqa: PLC0415  (after the fault is seeded)
    from targets.service.repositories.core.orders import CoreOrders  # noqa: PLC0415
    from targets.service.repositories.core.users import CoreUsers  # noqa: PLC0415
    from targets.service.repositories.places import by_time_and_id  # noqa: PLC0415

    run = Connected(engine, stack)
    return CoreUsers(run), CoreOrders(run, by_time_and_id)


async def _users(engine: AsyncEngine) -> None:
    async with AsyncExitStack() as stack:
        users, _ = _repositories(engine, stack)
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
        assert not await users.remove(999)
        assert (await users.get(bob.id)).name == "Bob"


async def _list(engine: AsyncEngine) -> None:
    async with AsyncExitStack() as stack:
        users, _ = _repositories(engine, stack)
        made = [await users.add(f"user{number}@example.org", f"User {number}") for number in range(5)]
        ids = [user.id for user in made]
        assert [user.id for user in await users.after(0, 3)] == ids[:3]
        assert [user.id for user in await users.after(ids[2], 3)] == ids[3:]


async def _committed(engine: AsyncEngine) -> None:
    async with AsyncExitStack() as stack:
        users, _ = _repositories(engine, stack)
        made = await users.add("ada@example.org", "Ada")
    async with AsyncExitStack() as stack:
        users, _ = _repositories(engine, stack)
        assert (await users.get(made.id)).name == "Ada"


async def _seeded(engine: AsyncEngine) -> None:
    """Two users, two products; orders in threes that share a time, every fourth deleted, two lines each."""
    async with engine.begin() as connection:
        for user in (1, 2):
            await connection.execute(text(f"insert into users (email, name) values ('u{user}@example.org', 'U')"))  # noqa: S608  (a number)
        await connection.execute(
            text(
                "insert into products (sku, name, category, price, currency, stock) select 'sku' || n, 'p', 'c', 1, "
                "'EUR', 1 from generate_series(1, 2) n"
            )
        )
        await connection.execute(
            text(
                "insert into orders (user_id, status, currency, total, pieces, placed_at, deleted_at) "
                "select 1 + n % 2, 'placed', 'EUR', 1, 1, cast(:first as timestamptz) + (n / 3) * interval '1 hour', "
                "case when n % 4 = 3 then now() end from generate_series(0, 19) n"
            ),
            {"first": FIRST},
        )
        await connection.execute(
            text(
                "insert into order_lines (order_id, position, product_id, quantity, unit_price, line_total) "
                "select o.id, p, p, 1, 1, 1 from orders o, generate_series(1, 2) p"
            )
        )


async def _live(engine: AsyncEngine, user_id: int | None = None) -> list[int]:
    mine = "" if user_id is None else f" and user_id = {user_id:d}"
    async with engine.connect() as connection:
        found = await connection.execute(
            text(f"select id from orders where deleted_at is null{mine} order by placed_at, id")  # noqa: S608  (a number)
        )
        return list(found.scalars())


async def _pages(engine: AsyncEngine) -> None:
    from targets.service.repositories.window import Moment, Window  # noqa: PLC0415

    await _seeded(engine)
    wanted = await _live(engine)
    async with AsyncExitStack() as stack:
        _, orders = _repositories(engine, stack)
        seen: list[int] = []
        place: Moment | None = None
        while page := await orders.orders(Window(4, place)):
            seen += [row.id for row in page]
            place = Moment(page[-1].placed_at, page[-1].id)
            assert len(seen) <= len(wanted)
        assert seen == wanted
        assert [row.id for row in await orders.orders(Window(4, offset=4))] == wanted[4:8]
        mine = await _live(engine, 1)
        assert [row.id for row in await orders.orders(Window(20, user_id=1))] == mine
        beyond = Moment(FIRST + timedelta(days=9), 1)
        assert await orders.orders(Window(4, beyond)) == []


async def _lines(engine: AsyncEngine) -> None:
    from targets.service.repositories.window import Window  # noqa: PLC0415

    await _seeded(engine)
    wanted = [(number, position) for number in (await _live(engine))[:5] for position in (1, 2)]
    async with AsyncExitStack() as stack:
        _, orders = _repositories(engine, stack)
        assert [(row.id, row.position) for row in await orders.joined(Window(5))] == wanted


async def _placed(engine: AsyncEngine) -> None:
    from targets.service.repositories.records import NewStoredOrder, StoredLine  # noqa: PLC0415

    await _seeded(engine)
    line = StoredLine(1, 2, 3, Decimal("1.25"), Decimal("3.75"))
    new = NewStoredOrder(1, "placed", "EUR", Decimal("3.75"), 3, FIRST, None, (line,))
    async with AsyncExitStack() as stack:
        _, orders = _repositories(engine, stack)
        made = await orders.insert(new)
        (found,) = await orders.lines([made])
        assert (found.product_id, found.quantity, found.line_total) == (2, 3, Decimal("3.75"))


async def _count(engine: AsyncEngine) -> None:
    await _seeded(engine)
    wanted = len(await _live(engine))
    async with AsyncExitStack() as stack:
        _, orders = _repositories(engine, stack)
        assert await orders.count(None) == wanted
        assert await orders.count(1) == len(await _live(engine, 1))
