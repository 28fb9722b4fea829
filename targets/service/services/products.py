"""What can be done with products."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from targets.service.problems import Problem
from targets.service.repositories.products import Products
from targets.service.repositories.records import Product
from targets.service.services.money import CENT


async def read_product(products: Products, product_id: int) -> Product:
    """Give the product; a 404 Problem if there is none."""
    return _found(await products.get(product_id), product_id)


async def change_product(products: Products, product_id: int, changes: Mapping[str, Any]) -> Product:
    """Change what is named; a 404 Problem if there is no such product."""
    # Two places, as the column keeps them: not every way of access reads the row again.
    kept = {name: value.quantize(CENT) if isinstance(value, Decimal) else value for name, value in changes.items()}
    return _found(await products.change(product_id, kept), product_id)


def _found(product: Product | None, product_id: int) -> Product:
    if product is None:
        raise Problem(404, "product-not-found", f"There is no product {product_id}.")
    return product
