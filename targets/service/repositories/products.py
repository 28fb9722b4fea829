"""What the service asks of whoever keeps the products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from targets.service.repositories.records import Product

__all__ = ["Product", "Products", "set_by"]


class Products(Protocol):
    """Reads and changes products; PostgreSQL does, and so does whatever wraps it."""

    async def get(self, product_id: int, /) -> Product | None:
        """Give the product; None if there is none or it was deleted."""

    async def change(self, product_id: int, changes: Mapping[str, Any], /) -> Product | None:
        """Set ``price``, ``stock`` or ``name``, or add ``stock_delta``; ``version`` counts up.

        None if there is no such product.
        """


def set_by(changes: Mapping[str, Any], stock: Any) -> dict[str, Any]:
    """Give the columns that the changes set; ``stock`` is what is there, or the column itself."""
    columns = dict(changes)
    delta = columns.pop("stock_delta", None)
    return columns if delta is None else {**columns, "stock": stock + delta}
