"""The data code with its connection mocked, as careful unit tests do it.

Canned rows go in.  Asserted are what comes out, how often and with what kind of statement the connection was called,
and the values that are bound to it.  The text of the SQL is not compared with a kept copy: that notes every change,
right or wrong.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import AsyncMock, MagicMock

from sqlalchemy.dialects import postgresql

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
USER = (7, "ada@example.org", "Ada", MOMENT, MOMENT)
PRODUCT = (3, "SKU", "Desk", "office", Decimal("19.99"), "EUR", 4, MOMENT, 2)


def check() -> None:
    """Run every test; AssertionError at the first that fails."""
    tests = (_get, _after, _add, _change, _remove, _pages, _joined, _count, _insert, _connection, _product, _errors)
    for test in tests:
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


def _statements(run: AsyncMock) -> Any:
    from targets.service.repositories.core.orders import CoreOrders  # noqa: PLC0415  (after the fault is seeded)
    from targets.service.repositories.places import BEYOND  # noqa: PLC0415  (after the fault is seeded)

    return CoreOrders(run, BEYOND["composite"])


def _orders(run: AsyncMock) -> Any:
    from targets.service.repositories.row_loading import ROW_LOADINGS  # noqa: PLC0415  (after the fault is seeded)
    from targets.service.repositories.row_orders import RowOrders  # noqa: PLC0415  (after the fault is seeded)

    return RowOrders(_statements(run), ROW_LOADINGS["joined"])


def _statement(run: AsyncMock) -> Any:
    run.assert_awaited_once()
    return run.await_args_list[0].args[0]


def _bound(statement: Any) -> dict[str, Any]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types.
    return dict(statement.compile(dialect=dialect).params)


def _order(number: int) -> tuple[Any, ...]:
    return (number, 1, "placed", "EUR", Decimal("19.99"), 2, MOMENT, None)


async def _get() -> None:
    run = _run(one_or_none=USER)
    user = await _users(run).get(7)
    assert (user.id, user.email, user.name) == (7, "ada@example.org", "Ada")
    assert _statement(run).is_select
    assert 7 in _bound(_statement(run)).values()  # noqa: PLR2004  (the user's id)
    assert await _users(_run(one_or_none=None)).get(8) is None


async def _after() -> None:
    run = AsyncMock(return_value=[USER, USER])
    assert [user.id for user in await _users(run).after(6, 2)] == [7, 7]
    assert sorted(_bound(_statement(run)).values()) == [2, 6]


async def _add() -> None:
    run = _run(one=USER)
    user = await _users(run).add("ada@example.org", "Ada")
    assert (user.email, user.name) == ("ada@example.org", "Ada")
    assert _statement(run).is_insert
    assert _bound(_statement(run)) == {"email": "ada@example.org", "name": "Ada"}


async def _change() -> None:
    run = _run(one_or_none=USER)
    assert (await _users(run).change(7, {"name": "Ada"})).name == "Ada"
    assert _statement(run).is_update
    bound = _bound(_statement(run))
    assert bound["name"] == "Ada"
    assert 7 in bound.values()  # noqa: PLR2004  (the user's id)
    assert await _users(_run(one_or_none=None)).change(8, {"name": "Ada"}) is None


async def _remove() -> None:
    result = MagicMock(rowcount=1)
    run = AsyncMock(return_value=result)
    assert await _users(run).remove(7)
    assert _statement(run).is_update
    assert 7 in _bound(_statement(run)).values()  # noqa: PLR2004  (the user's id)
    result.rowcount = 0
    assert not await _users(run).remove(8)


async def _pages() -> None:
    from targets.service.repositories.window import Moment, Window  # noqa: PLC0415  (after the fault is seeded)

    place = Moment(MOMENT, 1)
    wanted: tuple[tuple[Window, list[Any]], ...] = (
        (Window(2), [2]),
        (Window(2, place), [2, MOMENT, 1]),
        (Window(2, place, backward=True), [2, MOMENT, 1]),
        (Window(2, offset=4), [2, 4]),
        (Window(2, user_id=3), [2, 3]),
    )
    for window, values in wanted:
        rows = [_order(1), _order(2)]
        run = _run(all=rows[::-1] if window.backward else rows)
        assert [order.id for order in await _orders(run).page(window, lines=False)] == [1, 2]
        assert _statement(run).is_select
        assert sorted(map(str, _bound(_statement(run)).values())) == sorted(map(str, values))


async def _joined() -> None:
    from targets.service.repositories.window import Window  # noqa: PLC0415  (after the fault is seeded)

    line = (1, 5, 2, Decimal("1.25"), Decimal("2.50"))
    run = _run(all=[(*_order(1), *line), (*_order(1), 2, *line[1:])])
    (order,) = await _orders(run).page(Window(2), lines=True)
    assert [(one.position, one.line_total) for one in order.lines] == [(1, Decimal("2.50")), (2, Decimal("2.50"))]
    assert order.total == Decimal("19.99")
    assert _statement(run).is_select


async def _count() -> None:
    run = _run(scalar_one=12)
    assert await _orders(run).count(4) == 12  # noqa: PLR2004  (what the mock says)
    assert list(_bound(_statement(run)).values()) == [4]


async def _insert() -> None:
    from targets.service.repositories.records import NewStoredOrder, StoredLine  # noqa: PLC0415  (after the fault)

    run = _run(scalar_one=5)
    line = StoredLine(1, 2, 3, Decimal("1.50"), Decimal("4.50"))
    made = await _orders(run).add(NewStoredOrder(9, "placed", "EUR", Decimal("4.50"), 3, MOMENT, None, (line,)))
    assert made.id == 5  # noqa: PLR2004  (what the mock says)
    assert [call.args[0].is_insert for call in run.await_args_list] == [True, True]
    assert _bound(run.await_args_list[0].args[0])["user_id"] == 9  # noqa: PLR2004  (who orders)
    (values,) = run.await_args_list[1].args[1]
    assert (values["order_id"], values["product_id"], values["quantity"]) == (5, 2, 3)


async def _connection() -> None:
    from targets.service.repositories.core.execution import Connected  # noqa: PLC0415  (after the fault is seeded)

    connection, engine = AsyncMock(), MagicMock()
    stack = MagicMock(enter_async_context=AsyncMock(return_value=connection))
    run = Connected(engine, stack)
    await run("select 1")  # type: ignore[arg-type]  # The mock takes anything.
    await run("select 2")  # type: ignore[arg-type]
    # One transaction, which the stack ends: begin() commits, connect() would not.
    engine.begin.assert_called_once_with()
    stack.enter_async_context.assert_awaited_once_with(engine.begin.return_value)
    assert connection.execute.await_count == 2  # noqa: PLR2004  (two statements, one connection)


async def _product() -> None:
    from targets.service.repositories.core.products import CoreProducts  # noqa: PLC0415  (after the fault is seeded)

    connection = AsyncMock()
    connection.execute.return_value = MagicMock(one_or_none=MagicMock(return_value=PRODUCT))
    engine = MagicMock()
    engine.begin.return_value.__aenter__.return_value = connection
    product = await CoreProducts(engine, ()).change(3, {"price": Decimal("19.99")})
    assert product is not None
    assert (product.price, product.version) == (Decimal("19.99"), 2)
    connection.execute.assert_awaited_once()
    assert {3, Decimal("19.99")} <= set(_bound(connection.execute.await_args.args[0]).values())


async def _errors() -> None:
    from targets.service.database.errors import translated  # noqa: PLC0415  (after the fault is seeded)
    from targets.service.problems import Problem  # noqa: PLC0415  (after the fault is seeded)

    for state, status in (("23505", 409), ("23503", 422), ("55P03", 503)):
        error = Exception("as the driver says it")
        error.orig = MagicMock(sqlstate=state)  # type: ignore[attr-defined]  # SQLAlchemy's errors have it.
        found = 0
        try:
            with translated(()):
                raise error
        except Problem as problem:
            found = problem.status_code
        assert found == status
