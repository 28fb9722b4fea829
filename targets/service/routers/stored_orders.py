"""/api/v1/orders over the database."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request

from targets.serializers.web import Serializer
from targets.service.dependencies.database import AnyWork, RowId
from targets.service.problems import documented
from targets.service.repositories.keys import ID_MAX
from targets.service.schemas.stored_orders import (
    StoredOrderCreate,
    StoredOrderCreated,
    StoredOrderDetail,
    StoredOrderPage,
)
from targets.service.services.order_pages import Asked, Pager
from targets.service.services.stored_orders import NewOrder, delete_order, read_order, store_order

LIMIT_MAX = 200

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Orders per page")]
Number = Annotated[int | None, Query(ge=1, le=ID_MAX, description="The page's number, from 1")]
Token = Annotated[str | None, Query(max_length=512, description="Taken from a page's links")]
After = Annotated[int | None, Query(ge=0, le=ID_MAX, description="Orders with a higher id")]
Before = Annotated[int | None, Query(ge=1, le=ID_MAX, description="Orders with a lower id, the last ones")]
Of = Annotated[int | None, Query(ge=1, le=ID_MAX, description="Orders of this user")]
Expand = Annotated[Literal["lines"] | None, Query(description="Give each order's lines, too")]


def build_router(serializer: Serializer, pager: Pager) -> APIRouter:
    """Give the routes; ``pager`` finds the pages, ``serializer`` says who reads the body."""
    router = APIRouter(prefix="/api/v1/orders", tags=["orders"])
    one, page = serializer.respond(StoredOrderDetail, 200), serializer.respond(StoredOrderPage, 200)
    created = serializer.respond(StoredOrderCreated, 201)
    body = serializer.body(StoredOrderCreate)

    @router.get("", response_model=StoredOrderPage, responses=documented(400, 404, 422, 503))
    async def index(
        request: Request,
        work: AnyWork,
        limit: Limit = 50,
        page_number: Annotated[Number, Query(alias="page")] = None,
        cursor: Token = None,
        after_id: After = None,
        before_id: Before = None,
        user_id: Of = None,
        expand: Expand = None,
    ) -> Any:
        """Give one page of orders, oldest first, in one of three forms: page, cursor, or after_id and before_id."""
        asked = Asked(limit, page_number, cursor, after_id, before_id, user_id, expand)
        return page(await pager(work.orders, request.url.path, asked))

    async def create(new: NewOrder, work: AnyWork) -> Any:
        """Place an order and give it back with its totals."""
        return created(await store_order(work, new))

    # FastAPI reads the annotation at run time: this is where the serializer puts its reader in.
    create.__annotations__["new"] = body.annotation
    router.post(
        "",
        status_code=201,
        response_model=StoredOrderCreated,
        responses=documented(422, 503),
        openapi_extra=body.openapi_extra,
    )(create)

    @router.get("/{order_id}", response_model=StoredOrderDetail, responses=documented(404, 422, 503))
    async def read(order_id: RowId, work: AnyWork) -> Any:
        """Give one order with its lines and its user."""
        return one(await read_order(work.orders, order_id))

    @router.delete("/{order_id}", status_code=204, responses=documented(404, 422, 503))
    async def delete(order_id: RowId, work: AnyWork) -> None:
        """Delete an order: it is marked and no longer shown."""
        await delete_order(work.orders, order_id)

    return router
