"""Products through the table, each call on a connection of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Executable, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from targets.service import models
from targets.service.database.errors import translated
from targets.service.repositories.actors import SERVICE
from targets.service.repositories.core.tables import table_of
from targets.service.repositories.products import set_by
from targets.service.repositories.records import Product

_PRODUCTS = table_of(models.Product)
_COLUMNS = tuple(
    _PRODUCTS.c[name]
    for name in ("id", "sku", "name", "category", "price", "currency", "stock", "updated_at", "version")
)


class CoreProducts:
    """Products through rows; a change is committed before it is given back."""

    def __init__(self, engine: AsyncEngine, unreachable: tuple[type[Exception], ...]) -> None:
        """Keep the engine, and which errors mean that the database is not there."""
        self._engine, self._unreachable = engine, unreachable

    async def get(self, product_id: int, /) -> Product | None:
        """Give the product, or None."""
        return await self._one(select(*_COLUMNS).where(*_live(product_id)))

    async def change(self, product_id: int, changes: Mapping[str, Any], /) -> Product | None:
        """Set what is named and count the version up; None if there is no such product."""
        columns = _PRODUCTS.c
        changed = set_by(changes, columns.stock)
        values = {**changed, "version": columns.version + 1, "updated_at": func.now(), "updated_by": SERVICE}
        return await self._one(update(_PRODUCTS).where(*_live(product_id)).values(values).returning(*_COLUMNS))

    async def _one(self, statement: Executable) -> Product | None:
        with translated(self._unreachable):
            async with self._engine.begin() as connection:
                row = (await connection.execute(statement)).one_or_none()
        return None if row is None else Product(*row)


def _live(product_id: int) -> tuple[Any, ...]:
    return (_PRODUCTS.c.id == product_id, _PRODUCTS.c.deleted_at.is_(None))
