"""What the service asks of whoever keeps the products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from targets.service.repositories.records import Product

__all__ = ["Product", "Products"]


class Products(Protocol):
    """Reads and changes products; PostgreSQL does, and so does whatever wraps it."""

    async def get(self, product_id: int, /) -> Product | None:
        """Give the product; None if there is none or it was deleted."""

    async def change(self, product_id: int, changes: Mapping[str, Any], /) -> Product | None:
        """Set ``price``, ``stock`` or ``name`` and count ``version`` up; None if there is no such product."""
