"""/api/v1/orders."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from targets.serializers.web import Serializer
from targets.service.dependencies.repositories import Orders
from targets.service.problems import documented
from targets.service.schemas.orders import OrderCreate, OrderResponse
from targets.service.services.orders import NewOrder, place_order


def build_router(serializer: Serializer) -> APIRouter:
    """Give the routes; ``serializer`` says who reads the body and what is handed to FastAPI."""
    router = APIRouter(prefix="/api/v1/orders", tags=["orders"])
    created = serializer.respond(OrderResponse, 201)
    body = serializer.body(OrderCreate)

    async def create(new: NewOrder, orders: Orders) -> Any:
        """Place an order and give it back with its totals."""
        return created(await place_order(orders, new))

    # FastAPI reads the annotation at run time: this is where the serializer puts its reader in.
    create.__annotations__["new"] = body.annotation
    router.post(
        "",
        status_code=201,
        response_model=OrderResponse,
        responses=documented(422),
        openapi_extra=body.openapi_extra,
    )(create)
    return router
