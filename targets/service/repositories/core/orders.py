"""Statements on orders through the tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, func, insert, select, update

from targets.service import models
from targets.service.repositories.actors import SERVICE
from targets.service.repositories.core.execution import Run
from targets.service.repositories.core.tables import table_of
from targets.service.repositories.folding import Row
from targets.service.repositories.places import Beyond, live, planned_rows, windowed
from targets.service.repositories.records import NewStoredOrder
from targets.service.repositories.window import Number, Window

_USERS, _PRODUCTS = table_of(models.User), table_of(models.Product)
_ORDERS, _LINES = table_of(models.Order), table_of(models.OrderLine)

_NAMES = ("id", "user_id", "status", "currency", "total", "pieces", "placed_at", "note")
_ORDER = tuple(_ORDERS.c[name] for name in _NAMES)
_LINE = tuple(_LINES.c[name] for name in ("position", "product_id", "quantity", "unit_price", "line_total"))
_USER = tuple(_USERS.c[name] for name in ("id", "email", "name", "created_at", "updated_at"))


class CoreOrders:
    """Orders of one connection, as rows."""

    def __init__(self, run: Run, beyond: Beyond) -> None:
        """Keep what runs statements (the caller commits), and what follows a place."""
        self._run, self._beyond = run, beyond

    async def orders(self, window: Window, /) -> Sequence[Row]:
        """Give the orders of the window."""
        return (await self._run(self._within(select(*_ORDER), window))).all()

    async def ids(self, window: Window, /) -> Sequence[int]:
        """Give the ids of the window."""
        return (await self._run(self._within(select(_ORDERS.c.id), window))).scalars().all()

    async def orders_by_id(self, ids: Sequence[int], /) -> Sequence[Row]:
        """Give the orders with these ids."""
        return (await self._run(select(*_ORDER).where(_ORDERS.c.id.in_(ids)))).all()

    async def lines(self, ids: Sequence[int], /) -> Sequence[Row]:
        """Give the lines of these orders."""
        wanted = select(_LINES.c.order_id, *_LINE).where(_LINES.c.order_id.in_(ids))
        return (await self._run(wanted.order_by(_LINES.c.order_id, _LINES.c.position))).all()

    async def joined(self, window: Window, /) -> Sequence[Row]:
        """Give the orders of the window, each once for each line."""
        # The limit counts orders, so it stands below the join, which multiplies them.
        found = self._within(select(*_ORDER), window).subquery()
        keys: list[Any] = [found.c.id] if isinstance(window.start, Number) else [found.c.placed_at, found.c.id]
        ordered = [key.desc() for key in keys] if window.backward else keys
        rows = select(*found.c, *_LINE).select_from(found.outerjoin(_LINES, _LINES.c.order_id == found.c.id))
        return (await self._run(rows.order_by(*ordered, _LINES.c.position))).all()

    async def order(self, order_id: int, /) -> Row | None:
        """Give one order that is not deleted."""
        return (await self._run(select(*_ORDER).where(_ORDERS.c.id == order_id, live(_ORDERS.c, None)))).one_or_none()

    async def user(self, user_id: int, /) -> Row | None:
        """Give a user, deleted or not."""
        return (await self._run(select(*_USER).where(_USERS.c.id == user_id))).one_or_none()

    async def whole(self, order_id: int, /) -> Sequence[Row]:
        """Give one order, once for each line, with its user behind."""
        tables = _ORDERS.join(_USERS, _USERS.c.id == _ORDERS.c.user_id).outerjoin(
            _LINES, _LINES.c.order_id == _ORDERS.c.id
        )
        rows = select(*_ORDER, *_LINE, *_USER).select_from(tables)
        rows = rows.where(_ORDERS.c.id == order_id, live(_ORDERS.c, None)).order_by(_LINES.c.position)
        return (await self._run(rows)).all()

    async def insert(self, new: NewStoredOrder, /) -> int:
        """Keep the order and its lines together."""
        values = {name: getattr(new, name) for name in _NAMES[1:]}
        order_id: int = (await self._run(insert(_ORDERS).values(values).returning(_ORDERS.c.id))).scalar_one()
        lines = [{column.name: getattr(line, column.name) for column in _LINE} for line in new.lines]
        await self._run(insert(_LINES), [{"order_id": order_id, **line} for line in lines])
        return order_id

    async def remove(self, order_id: int, /) -> bool:
        """Mark the order as deleted; False if there was none."""
        gone = update(_ORDERS).where(_ORDERS.c.id == order_id, live(_ORDERS.c, None))
        return (
            await self._run(gone.values(deleted_at=func.now(), updated_at=func.now(), updated_by=SERVICE))
        ).rowcount > 0

    async def count(self, user_id: int | None, /) -> int:
        """Count the orders that are not deleted."""
        count = select(func.count()).select_from(_ORDERS).where(live(_ORDERS.c, user_id))
        return int((await self._run(count)).scalar_one())

    async def estimate(self, user_id: int | None, /) -> int:
        """Give the planner's guess of the same number."""
        return await planned_rows(self._run, user_id)

    async def products(self, ids: Collection[int], /) -> set[int]:
        """Give those of the ids that are products."""
        known = select(_PRODUCTS.c.id).where(_PRODUCTS.c.id.in_(ids), _PRODUCTS.c.deleted_at.is_(None))
        return set((await self._run(known)).scalars())

    def _within(self, statement: Select[Any], window: Window) -> Select[Any]:
        return windowed(statement, _ORDERS.c, window, self._beyond)
