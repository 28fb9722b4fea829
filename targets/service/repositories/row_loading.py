"""The ways of loading for repositories that get rows: the same statements as an ORM's, put together by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from targets.service.repositories.batches import batches
from targets.service.repositories.folding import Row, from_join, from_whole_join, order_of, with_lines
from targets.service.repositories.records import StoredOrder, User
from targets.service.repositories.window import Window


class OrderRows(Protocol):
    """Reads rows of orders, a statement a call; pages come as the window runs."""

    async def orders(self, window: Window, /) -> Sequence[Row]:
        """Give the orders of the window."""

    async def ids(self, window: Window, /) -> Sequence[int]:
        """Give the ids of the window."""

    async def orders_by_id(self, ids: Sequence[int], /) -> Sequence[Row]:
        """Give the orders with these ids, in any order."""

    async def lines(self, ids: Sequence[int], /) -> Sequence[Row]:
        """Give the lines of these orders behind their order's id, by position."""

    async def joined(self, window: Window, /) -> Sequence[Row]:
        """Give the orders of the window, each once for each line."""

    async def order(self, order_id: int, /) -> Row | None:
        """Give one order that is not deleted."""

    async def user(self, user_id: int, /) -> Row | None:
        """Give a user, deleted or not."""

    async def whole(self, order_id: int, /) -> Sequence[Row]:
        """Give one order, once for each line, with its user behind."""


@dataclass(frozen=True, slots=True)
class RowLoading:
    """One way: pages of orders with their lines, and one order with lines and user."""

    page: Callable[[OrderRows, Window], Awaitable[list[StoredOrder]]]
    one: Callable[[OrderRows, int], Awaitable[StoredOrder | None]]


async def _lazy_page(rows: OrderRows, window: Window) -> list[StoredOrder]:
    orders = [order_of(row) for row in await rows.orders(window)]
    return [with_lines([order], await rows.lines([order.id]))[0] for order in orders]


async def _selectin_page(rows: OrderRows, window: Window) -> list[StoredOrder]:
    orders = [order_of(row) for row in await rows.orders(window)]
    return with_lines(orders, await rows.lines([order.id for order in orders])) if orders else []


async def _batch_page(rows: OrderRows, window: Window) -> list[StoredOrder]:
    ids = await rows.ids(window)
    found: dict[int, StoredOrder] = {}
    for some in batches(ids):
        orders = [order_of(row) for row in await rows.orders_by_id(some)]
        found |= {order.id: order for order in with_lines(orders, await rows.lines(some))}
    return [found[order_id] for order_id in ids if order_id in found]


async def _joined_page(rows: OrderRows, window: Window) -> list[StoredOrder]:
    return from_join(await rows.joined(window))


async def _split_one(rows: OrderRows, order_id: int) -> StoredOrder | None:
    row = await rows.order(order_id)
    if row is None:
        return None
    (order,) = with_lines([order_of(row)], await rows.lines([order_id]))
    user = await rows.user(order.user_id)
    return replace(order, user=None if user is None else User(*user))


async def _joined_one(rows: OrderRows, order_id: int) -> StoredOrder | None:
    return from_whole_join(await rows.whole(order_id))


ROW_LOADINGS: Mapping[str, RowLoading] = {
    "lazy": RowLoading(_lazy_page, _split_one),
    "joined": RowLoading(_joined_page, _joined_one),
    "selectin": RowLoading(_selectin_page, _split_one),
    # Without an identity map a join that is already there and one that is added are the same.
    "contains_eager": RowLoading(_joined_page, _joined_one),
    "batch": RowLoading(_batch_page, _split_one),
}
