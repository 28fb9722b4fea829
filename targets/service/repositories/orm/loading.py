"""Ways to load what belongs to an order: each gives the same objects with other statements."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.interfaces import ORMOption

from targets.service.models import Order, OrderLine, User
from targets.service.repositories.batches import batches
from targets.service.repositories.places import Beyond, windowed
from targets.service.repositories.window import Number, Window

Page = Callable[[AsyncSession, Window, Beyond], Awaitable[Sequence[Order]]]
One = Callable[[AsyncSession, int], Awaitable[Order | None]]


@dataclass(frozen=True, slots=True)
class Loading:
    """One way: pages of orders with their lines (as the window runs), and one order with lines and user."""

    page: Page
    one: One


def by_id(order_id: int) -> Select[Order]:
    """Select one order that is not deleted."""
    return select(Order).where(Order.id == order_id, Order.deleted_at.is_(None))


async def _lazy_page(session: AsyncSession, window: Window, beyond: Beyond) -> Sequence[Order]:
    orders = (await session.scalars(windowed(select(Order), Order, window, beyond))).all()
    for order in orders:
        await order.awaitable_attrs.lines
    return orders


async def _lazy_one(session: AsyncSession, order_id: int) -> Order | None:
    order = await session.scalar(by_id(order_id))
    if order is not None:
        await order.awaitable_attrs.lines
        await order.awaitable_attrs.user
    return order


def _eager(lines: ORMOption, user: ORMOption) -> Loading:
    """Give the way of two loader options, which SQLAlchemy carries out."""

    async def page(session: AsyncSession, window: Window, beyond: Beyond) -> Sequence[Order]:
        statement = windowed(select(Order), Order, window, beyond).options(lines)
        return (await session.scalars(statement)).unique().all()

    async def one(session: AsyncSession, order_id: int) -> Order | None:
        return (await session.scalars(by_id(order_id).options(lines, user))).unique().one_or_none()

    return Loading(page, one)


async def _contains_eager_page(session: AsyncSession, window: Window, beyond: Beyond) -> Sequence[Order]:
    # The limit counts orders, so it stands below the join, which multiplies them.
    found = aliased(Order, windowed(select(Order), Order, window, beyond).subquery())
    keys: list[Any] = [found.id] if isinstance(window.start, Number) else [found.placed_at, found.id]
    statement = (
        select(found)
        .outerjoin(found.lines)
        .options(contains_eager(found.lines))
        .order_by(*([key.desc() for key in keys] if window.backward else keys), OrderLine.position)
    )
    return (await session.scalars(statement)).unique().all()


async def _contains_eager_one(session: AsyncSession, order_id: int) -> Order | None:
    statement = (
        by_id(order_id)
        .join(Order.user)
        .outerjoin(Order.lines)
        .options(contains_eager(Order.user), contains_eager(Order.lines))
        .order_by(OrderLine.position)
    )
    return (await session.scalars(statement)).unique().one_or_none()


async def _batch_page(session: AsyncSession, window: Window, beyond: Beyond) -> Sequence[Order]:
    ids = (await session.scalars(windowed(select(Order.id), Order, window, beyond))).all()
    found: dict[int, Order] = {}
    for some in batches(ids):
        orders = (await session.scalars(select(Order).where(Order.id.in_(some)))).all()
        await _put_lines(session, orders)
        found |= {order.id: order for order in orders}
    return [found[order_id] for order_id in ids if order_id in found]


async def _batch_one(session: AsyncSession, order_id: int) -> Order | None:
    order = await session.scalar(by_id(order_id))
    if order is not None:
        await _put_lines(session, [order])
        set_committed_value(order, "user", await session.scalar(select(User).where(User.id == order.user_id)))
    return order


async def _put_lines(session: AsyncSession, orders: Sequence[Order]) -> None:
    lines: dict[int, list[OrderLine]] = {order.id: [] for order in orders}
    wanted = select(OrderLine).where(OrderLine.order_id.in_(lines)).order_by(OrderLine.order_id, OrderLine.position)
    for line in await session.scalars(wanted):
        lines[line.order_id].append(line)
    for order in orders:
        set_committed_value(order, "lines", lines[order.id])


LOADINGS: Mapping[str, Loading] = {
    "lazy": Loading(_lazy_page, _lazy_one),
    "joined": _eager(joinedload(Order.lines), joinedload(Order.user, innerjoin=True)),
    "selectin": _eager(selectinload(Order.lines), selectinload(Order.user)),
    "contains_eager": Loading(_contains_eager_page, _contains_eager_one),
    "batch": Loading(_batch_page, _batch_one),
}
"""Statements for a page of n orders: 1 + n, 1, 2, 1, and 1 + 2 for each fifty; for one order 3, 1, 3, 1, 3."""
