"""Products, each call in a session of its own: what wraps this repository outlives requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from targets.service import models
from targets.service.database.errors import translated
from targets.service.repositories.actors import SERVICE
from targets.service.repositories.orm.records import product_record
from targets.service.repositories.products import set_by
from targets.service.repositories.records import Product


class OrmProducts:
    """Products through mapped objects; a change is committed before it is given back."""

    def __init__(self, sessions: async_sessionmaker[Any], unreachable: tuple[type[Exception], ...]) -> None:
        """Keep what opens sessions, and which errors mean that the database is not there."""
        self._sessions, self._unreachable = sessions, unreachable

    async def get(self, product_id: int, /) -> Product | None:
        """Give the product, or None."""
        with translated(self._unreachable):
            session: AsyncSession
            async with self._sessions() as session:
                product = await session.scalar(_by_id(product_id))
                return None if product is None else product_record(product)

    async def change(self, product_id: int, changes: Mapping[str, Any], /) -> Product | None:
        """Set what is named and count the version up; None if there is no such product."""
        with translated(self._unreachable):
            session: AsyncSession
            async with self._sessions.begin() as session:
                product = await session.scalar(_by_id(product_id).with_for_update())
                if product is None:
                    return None
                for name, value in set_by(changes, product.stock).items():
                    setattr(product, name, value)
                product.version += 1
                product.updated_at, product.updated_by = func.now(), SERVICE
                await session.flush()
                return product_record(product)


def _by_id(product_id: int) -> Select[models.Product]:
    return select(models.Product).where(models.Product.id == product_id, models.Product.deleted_at.is_(None))
