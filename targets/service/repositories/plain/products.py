"""Products through SQL texts, each call on a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from targets.service.database.errors import translated
from targets.service.repositories.folding import Row
from targets.service.repositories.plain.execution import Sql
from targets.service.repositories.records import Product


class PlainProducts:
    """Products through rows; a change is kept before it is given back."""

    def __init__(
        self, connect: Callable[[], AbstractAsyncContextManager[Sql]], unreachable: tuple[type[Exception], ...]
    ) -> None:
        """Keep what gives connections, and which errors mean that the database is not there."""
        self._connect, self._unreachable = connect, unreachable

    async def get(self, product_id: int, /) -> Product | None:
        """Give the product, or None."""
        text = (
            "select id, sku, name, category, price, currency, stock, updated_at, version from products"
            " where id = $1 and deleted_at is null"
        )
        with translated(self._unreachable):
            async with self._connect() as sql:
                return _first(await sql.fetch(text, product_id))

    async def change(self, product_id: int, changes: Mapping[str, Any], /) -> Product | None:
        """Set what is named and count the version up; None if there is no such product."""
        text = (
            "update products set price = coalesce($2::numeric, price),"
            " stock = coalesce($3::int, stock) + coalesce($5::int, 0), name = coalesce($4::text, name),"
            " version = version + 1, updated_at = now(), updated_by = 'service'"
            " where id = $1 and deleted_at is null"
            " returning id, sku, name, category, price, currency, stock, updated_at, version"
        )
        values = tuple(changes.get(name) for name in ("price", "stock", "name", "stock_delta"))
        with translated(self._unreachable):
            async with self._connect() as sql:
                return _first(await sql.fetch(text, product_id, *values))


def _first(rows: Sequence[Row]) -> Product | None:
    return Product(*rows[0]) if rows else None
