"""Windows as SQLAlchemy's conditions, for mapped classes and for tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, DateTime, Executable, Select, bindparam, literal, text, tuple_

from targets.service.repositories.plan import explain, rows_of
from targets.service.repositories.window import Moment, Number, Window

Beyond = Callable[[Any, Moment, bool], ColumnElement[bool]]
"""Which orders stand after a place, or before it."""


def by_time_and_id(orders: Any, place: Moment, backward: bool) -> ColumnElement[bool]:  # noqa: FBT001  (see Beyond)
    """Compare both columns as one value: a range of the index."""
    columns = tuple_(orders.placed_at, orders.id)
    key = tuple_(literal(place.placed_at, DateTime(timezone=True)), literal(place.id, BigInteger))
    return columns < key if backward else columns > key


def by_time(orders: Any, place: Moment, backward: bool) -> ColumnElement[bool]:  # noqa: FBT001  (see Beyond)
    """Compare the time alone: rows that share it with the place are lost."""
    moment = literal(place.placed_at, DateTime(timezone=True))
    condition: ColumnElement[bool] = orders.placed_at < moment if backward else orders.placed_at > moment
    return condition


BEYOND: Mapping[str, Beyond] = {"composite": by_time_and_id, "timestamp": by_time}


def windowed(statement: Select[Any], orders: Any, window: Window, beyond: Beyond) -> Select[Any]:
    """Narrow a selection of orders to the window; going backward the rows come in reverse.

    ``orders`` is what has the columns as attributes: the mapped class, or the table's ``c``.
    """
    statement = statement.where(live(orders, window.user_id))
    if isinstance(window.start, Number):
        number = literal(window.start.id, BigInteger)
        statement = statement.where(orders.id < number if window.backward else orders.id > number)
        keys = [orders.id]
    else:
        keys = [orders.placed_at, orders.id]
        if window.start is not None:
            statement = statement.where(beyond(orders, window.start, window.backward))
    statement = statement.order_by(*([key.desc() for key in keys] if window.backward else keys))
    # A bound limit: one text, and so one prepared statement, for every size of page.
    statement = statement.limit(bindparam("rows", window.limit, BigInteger))
    return statement.offset(bindparam("skipped", window.offset, BigInteger)) if window.offset else statement


def live(orders: Any, user_id: int | None) -> ColumnElement[bool]:
    """Leave out what is deleted, and the orders of others."""
    condition: ColumnElement[bool] = orders.deleted_at.is_(None)
    return condition if user_id is None else condition & (orders.user_id == literal(user_id, BigInteger))


async def planned_rows(execute: Callable[[Executable], Awaitable[Any]], user_id: int | None) -> int:
    """Ask the planner how many orders it expects."""
    return rows_of((await execute(text(explain(user_id)))).scalar_one())
