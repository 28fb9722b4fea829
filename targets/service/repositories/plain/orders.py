"""Statements on orders as SQL texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from targets.service.repositories.folding import Row
from targets.service.repositories.plain.execution import Sql
from targets.service.repositories.plain.windows import Beyond, keys_of, windowed
from targets.service.repositories.plan import explain, rows_of
from targets.service.repositories.records import NewStoredOrder
from targets.service.repositories.window import Window

_ORDER = "id, user_id, status, currency, total, pieces, placed_at, note"
_LINE = "position, product_id, quantity, unit_price, line_total"
_FOUND = "found.id, found.user_id, found.status, found.currency, found.total, found.pieces, found.placed_at, found.note"

_BY_IDS = f"select {_ORDER} from orders where id = any($1::bigint[])"  # noqa: S608  (constants of ours)
_BY_ID = f"select {_ORDER} from orders where id = $1 and deleted_at is null"  # noqa: S608  (constants of ours)
_LINES = (
    f"select order_id, {_LINE} from order_lines"  # noqa: S608  (constants of ours)
    " where order_id = any($1::bigint[]) order by order_id, position"
)
_USER = "select id, email, name, created_at, updated_at from users where id = $1"
_WHOLE = (
    f"select {_FOUND}, {_LINE},"  # noqa: S608  (constants of ours)
    " users.id, users.email, users.name, users.created_at, users.updated_at"
    " from orders found join users on users.id = found.user_id left join order_lines on order_id = found.id"
    " where found.id = $1 and found.deleted_at is null order by position"
)
_INSERT = (
    "insert into orders (user_id, status, currency, total, pieces, placed_at, note)"
    " values ($1, $2, $3, $4, $5, $6, $7) returning id"
)
_INSERT_LINES = (
    "insert into order_lines (order_id, position, product_id, quantity, unit_price, line_total) select $1::bigint, *"
    " from unnest($2::int[], $3::bigint[], $4::int[], $5::numeric[], $6::numeric[])"
)
_REMOVE = (
    "update orders set deleted_at = now(), updated_at = now(), updated_by = 'service'"
    " where id = $1 and deleted_at is null returning id"
)
_COUNT = "select count(*) from orders where deleted_at is null"
_PRODUCTS = "select id from products where id = any($1::bigint[]) and deleted_at is null"


class PlainOrders:
    """Orders of one connection, as rows."""

    def __init__(self, sql: Sql, beyond: Beyond) -> None:
        """Keep the connection, and what follows a place."""
        self._sql, self._beyond = sql, beyond

    async def orders(self, window: Window, /) -> Sequence[Row]:
        """Give the orders of the window."""
        text, values = windowed(_ORDER, window, self._beyond)
        return await self._sql.fetch(text, *values)

    async def ids(self, window: Window, /) -> Sequence[int]:
        """Give the ids of the window."""
        text, values = windowed("id", window, self._beyond)
        return [row[0] for row in await self._sql.fetch(text, *values)]

    async def orders_by_id(self, ids: Sequence[int], /) -> Sequence[Row]:
        """Give the orders with these ids."""
        return await self._sql.fetch(_BY_IDS, list(ids))

    async def lines(self, ids: Sequence[int], /) -> Sequence[Row]:
        """Give the lines of these orders."""
        return await self._sql.fetch(_LINES, list(ids))

    async def joined(self, window: Window, /) -> Sequence[Row]:
        """Give the orders of the window, each once for each line."""
        # The limit counts orders, so it stands below the join, which multiplies them.
        inner, values = windowed(_ORDER, window, self._beyond)
        keys = ", ".join(f"found.{key}" for key in keys_of(window).split(", "))
        text = (
            f"select {_FOUND}, {_LINE} from ({inner}) found"  # noqa: S608  (constants of ours)
            f" left join order_lines on order_id = found.id order by {keys}, position"
        )
        return await self._sql.fetch(text, *values)

    async def order(self, order_id: int, /) -> Row | None:
        """Give one order that is not deleted."""
        return _first(await self._sql.fetch(_BY_ID, order_id))

    async def user(self, user_id: int, /) -> Row | None:
        """Give a user, deleted or not."""
        return _first(await self._sql.fetch(_USER, user_id))

    async def whole(self, order_id: int, /) -> Sequence[Row]:
        """Give one order, once for each line, with its user behind."""
        return await self._sql.fetch(_WHOLE, order_id)

    async def insert(self, new: NewStoredOrder, /) -> int:
        """Keep the order and its lines together."""
        head = (new.user_id, new.status, new.currency, new.total, new.pieces, new.placed_at, new.note)
        lines = [(x.position, x.product_id, x.quantity, x.unit_price, x.line_total) for x in new.lines]
        columns = [list(column) for column in zip(*lines, strict=True)]
        async with self._sql.transaction():
            ((order_id,),) = await self._sql.fetch(_INSERT, *head)
            await self._sql.fetch(_INSERT_LINES, order_id, *columns)
        return int(order_id)

    async def remove(self, order_id: int, /) -> bool:
        """Mark the order as deleted; False if there was none."""
        return bool(await self._sql.fetch(_REMOVE, order_id))

    async def count(self, user_id: int | None, /) -> int:
        """Count the orders that are not deleted."""
        only, values = ("", ()) if user_id is None else (" and user_id = $1", (user_id,))
        ((count,),) = await self._sql.fetch(_COUNT + only, *values)
        return int(count)

    async def estimate(self, user_id: int | None, /) -> int:
        """Give the planner's guess of the same number."""
        ((plan,),) = await self._sql.fetch(explain(user_id))
        return rows_of(plan)

    async def products(self, ids: Collection[int], /) -> set[int]:
        """Give those of the ids that are products."""
        return {row[0] for row in await self._sql.fetch(_PRODUCTS, list(ids))}


def _first(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None
