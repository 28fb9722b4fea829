"""Orders from rows, whoever gets the rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from targets.service.repositories.folding import order_of
from targets.service.repositories.records import NewStoredOrder, StoredOrder
from targets.service.repositories.row_loading import OrderRows, RowLoading
from targets.service.repositories.window import Window


class OrderStatements(OrderRows, Protocol):
    """Reads and writes orders."""

    async def insert(self, new: NewStoredOrder, /) -> int:
        """Keep the order and its lines together; gives the order's id."""

    async def remove(self, order_id: int, /) -> bool:
        """Mark the order as deleted; False if there was none."""

    async def count(self, user_id: int | None, /) -> int:
        """Count the orders that are not deleted."""

    async def estimate(self, user_id: int | None, /) -> int:
        """Give the planner's guess of the same number."""

    async def products(self, ids: Collection[int], /) -> set[int]:
        """Give those of the ids that are products."""


class RowOrders:
    """Orders of one connection."""

    def __init__(self, statements: OrderStatements, loading: RowLoading) -> None:
        """Keep what runs the statements, and how lines are loaded."""
        self._statements, self._loading = statements, loading

    async def page(self, window: Window, /, *, lines: bool) -> Sequence[StoredOrder]:
        """Give the orders of the window, with their lines if wanted."""
        if lines:
            found = await self._loading.page(self._statements, window)
        else:
            found = [order_of(row) for row in await self._statements.orders(window)]
        return found[::-1] if window.backward else found

    async def get(self, order_id: int, /) -> StoredOrder | None:
        """Give the order with its lines and its user, or None."""
        return await self._loading.one(self._statements, order_id)

    async def add(self, new: NewStoredOrder, /) -> StoredOrder:
        """Keep the order and its lines together."""
        return StoredOrder(
            id=await self._statements.insert(new),
            user_id=new.user_id,
            status=new.status,
            currency=new.currency,
            total=new.total,
            pieces=new.pieces,
            placed_at=new.placed_at,
            note=new.note,
            lines=new.lines,
        )

    async def remove(self, order_id: int, /) -> bool:
        """Mark the order as deleted; False if there was none."""
        return await self._statements.remove(order_id)

    async def count(self, user_id: int | None, /) -> int:
        """Count the orders, of one user or of all."""
        return await self._statements.count(user_id)

    async def estimate(self, user_id: int | None, /) -> int:
        """Give the planner's guess of the same number."""
        return await self._statements.estimate(user_id)

    async def known_products(self, product_ids: Collection[int], /) -> set[int]:
        """Give those of the ids that are products."""
        return await self._statements.products(product_ids)
