"""Orders through a session."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from targets.service.models import Order, OrderLine, Product
from targets.service.repositories.actors import SERVICE
from targets.service.repositories.orm.loading import Loading, by_id
from targets.service.repositories.orm.records import order_record
from targets.service.repositories.places import Beyond, live, planned_rows, windowed
from targets.service.repositories.records import NewStoredOrder, StoredOrder
from targets.service.repositories.window import Window


class OrmOrders:
    """Orders of one session."""

    def __init__(self, session: AsyncSession, loading: Loading, beyond: Beyond) -> None:
        """Keep the session, which the caller commits, how lines are loaded, and what follows a place."""
        self._session, self._loading, self._beyond = session, loading, beyond

    async def page(self, window: Window, /, *, lines: bool) -> Sequence[StoredOrder]:
        """Give the orders of the window, with their lines if wanted."""
        if lines:
            orders = await self._loading.page(self._session, window, self._beyond)
        else:
            orders = (await self._session.scalars(windowed(select(Order), Order, window, self._beyond))).all()
        found = [order_record(order, lines=lines) for order in orders]
        return found[::-1] if window.backward else found

    async def get(self, order_id: int, /) -> StoredOrder | None:
        """Give the order with its lines and its user, or None."""
        order = await self._loading.one(self._session, order_id)
        return None if order is None else order_record(order, lines=True, user=True)

    async def add(self, new: NewStoredOrder, /) -> StoredOrder:
        """Keep the order and its lines together."""
        lines = [
            OrderLine(
                position=line.position,
                product_id=line.product_id,
                quantity=line.quantity,
                unit_price=line.unit_price,
                line_total=line.line_total,
            )
            for line in new.lines
        ]
        order = Order(
            user_id=new.user_id,
            status=new.status,
            currency=new.currency,
            total=new.total,
            pieces=new.pieces,
            placed_at=new.placed_at,
            note=new.note,
            lines=lines,
        )
        self._session.add(order)
        await self._session.flush()
        return order_record(order, lines=True)

    async def remove(self, order_id: int, /) -> bool:
        """Mark the order as deleted; False if there was none."""
        order = await self._session.scalar(by_id(order_id).with_for_update())
        if order is None:
            return False
        order.deleted_at = order.updated_at = func.now()
        order.updated_by = SERVICE
        await self._session.flush()
        return True

    async def count(self, user_id: int | None, /) -> int:
        """Count the orders, of one user or of all."""
        count = select(func.count()).select_from(Order).where(live(Order, user_id))
        return await self._session.scalar(count) or 0

    async def estimate(self, user_id: int | None, /) -> int:
        """Give the planner's guess of the same number."""
        return await planned_rows(self._session.execute, user_id)

    async def known_products(self, product_ids: Collection[int], /) -> set[int]:
        """Give those of the ids that are products."""
        known = select(Product.id).where(Product.id.in_(product_ids), Product.deleted_at.is_(None))
        return set(await self._session.scalars(known))
