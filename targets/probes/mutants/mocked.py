"""The data code with its connection mocked, as unit tests do it: canned rows in, calls and results asserted.

The text of the SQL is not compared with a kept copy: that notes every change, right or wrong.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import AsyncMock, MagicMock

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
ROW = (7, "ada@example.org", "Ada", MOMENT, MOMENT)


def check() -> None:
    """Run every test; AssertionError at the first that fails."""
    for test in (_get, _after, _add, _change, _remove, _pages, _joined, _count, _insert, _connection):
        asyncio.run(test())


def _run(**answers: Any) -> AsyncMock:
    """A connection whose result answers as told."""
    result = MagicMock()
    for name, value in answers.items():
        getattr(result, name).return_value = value
    return AsyncMock(return_value=result)


def _users(run: AsyncMock) -> Any:
    from targets.service.repositories.core.users import CoreUsers  # noqa: PLC0415  (after the fault is seeded)

    return CoreUsers(run)


def _orders(run: AsyncMock) -> Any:
    from targets.service.repositories.core.orders import CoreOrders  # noqa: PLC0415
    from targets.service.repositories.places import by_time_and_id  # noqa: PLC0415

    return CoreOrders(run, by_time_and_id)


def _statement(run: AsyncMock) -> Any:
    run.assert_awaited_once()
    return run.await_args_list[0].args[0]


async def _get() -> None:
    run = _run(one_or_none=ROW)
    user = await _users(run).get(7)
    assert (user.id, user.email, user.name) == (7, "ada@example.org", "Ada")
    assert _statement(run).is_select
    assert await _users(_run(one_or_none=None)).get(8) is None


async def _after() -> None:
    run = AsyncMock(return_value=[ROW, ROW])
    assert [user.id for user in await _users(run).after(6, 2)] == [7, 7]
    assert _statement(run).is_select


async def _add() -> None:
    run = _run(one=ROW)
    user = await _users(run).add("ada@example.org", "Ada")
    assert (user.email, user.name) == ("ada@example.org", "Ada")
    assert _statement(run).is_insert


async def _change() -> None:
    run = _run(one_or_none=ROW)
    assert (await _users(run).change(7, {"name": "Ada"})).name == "Ada"
    assert _statement(run).is_update
    assert await _users(_run(one_or_none=None)).change(8, {"name": "Ada"}) is None


async def _remove() -> None:
    result = MagicMock(rowcount=1)
    run = AsyncMock(return_value=result)
    assert await _users(run).remove(7)
    assert _statement(run).is_update
    result.rowcount = 0
    assert not await _users(run).remove(8)


async def _pages() -> None:
    from targets.service.repositories.window import Moment, Window  # noqa: PLC0415

    rows = [(1, "first"), (2, "second")]
    for window in (Window(2), Window(2, Moment(MOMENT, 1)), Window(2, offset=2), Window(2, user_id=3)):
        run = _run(all=rows)
        assert await _orders(run).orders(window) == rows
        assert _statement(run).is_select


async def _joined() -> None:
    from targets.service.repositories.window import Window  # noqa: PLC0415

    run = _run(all=[(1, "line")])
    assert await _orders(run).joined(Window(2)) == [(1, "line")]
    assert _statement(run).is_select


async def _count() -> None:
    run = _run(scalar_one=12)
    assert await _orders(run).count(None) == 12  # noqa: PLR2004  (what the mock says)
    assert _statement(run).is_select


async def _insert() -> None:
    run = _run(scalar_one=5)
    line = MagicMock(position=1, product_id=2, quantity=3, unit_price=Decimal("1.50"), line_total=Decimal("4.50"))
    new = MagicMock(lines=[line])
    assert await _orders(run).insert(new) == 5  # noqa: PLR2004  (what the mock says)
    assert [call.args[0].is_insert for call in run.await_args_list] == [True, True]
    (values,) = run.await_args_list[1].args[1]
    assert (values["order_id"], values["product_id"], values["quantity"]) == (5, 2, 3)


async def _connection() -> None:
    from targets.service.repositories.core.execution import Connected  # noqa: PLC0415

    connection = AsyncMock()
    stack = MagicMock(enter_async_context=AsyncMock(return_value=connection))
    run = Connected(MagicMock(), stack)
    await run("select 1")  # type: ignore[arg-type]  # The mock takes anything.
    await run("select 2")  # type: ignore[arg-type]
    stack.enter_async_context.assert_awaited_once()
    assert connection.execute.await_count == 2  # noqa: PLR2004  (two statements, one connection)
