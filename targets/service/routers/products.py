"""/api/v1/products."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from targets.serializers.web import Serializer
from targets.service.dependencies.database import AnyProducts, RowId
from targets.service.problems import documented
from targets.service.schemas.products import ProductResponse, ProductUpdate
from targets.service.services.products import change_product, read_product


def build_router(serializer: Serializer) -> APIRouter:
    """Give the routes."""
    router = APIRouter(prefix="/api/v1/products", tags=["products"])
    one = serializer.respond(ProductResponse, 200)

    @router.get("/{product_id}", response_model=ProductResponse, responses=documented(404, 422, 503))
    async def read(product_id: RowId, products: AnyProducts) -> Any:
        """Give one product."""
        return one(await read_product(products, product_id))

    @router.patch("/{product_id}", response_model=ProductResponse, responses=documented(404, 422, 503))
    async def update(product_id: RowId, products: AnyProducts, changes: ProductUpdate) -> Any:
        """Change parts of a product."""
        return one(await change_product(products, product_id, changes.model_dump(exclude_none=True)))

    return router
