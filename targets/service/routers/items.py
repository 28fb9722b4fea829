"""/api/v1/items."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request

from targets.serializers.web import Serializer
from targets.service.dependencies.repositories import Items
from targets.service.problems import documented
from targets.service.schemas.items import ItemCreate, ItemPage, ItemResponse, ItemUpdate
from targets.service.services.items import (
    create_item,
    delete_item,
    export_items,
    list_items,
    read_item,
    update_item,
)

LIMIT_MAX = 200

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Items per page")]
Token = Annotated[str | None, Query(max_length=512, description="Taken from a page's links")]


def build_router(serializer: Serializer) -> APIRouter:
    """Give the routes; ``serializer`` says what an endpoint hands to FastAPI."""
    router = APIRouter(prefix="/api/v1/items", tags=["items"])
    one, page = serializer.respond(ItemResponse, 200), serializer.respond(ItemPage, 200)
    created = serializer.respond(ItemResponse, 201)

    @router.get("", response_model=ItemPage, responses=documented(400, 422))
    async def index(request: Request, items: Items, limit: Limit = 50, cursor: Token = None) -> Any:
        """Give one page of items, oldest first."""
        return page(await list_items(items, request.url.path, limit, cursor))

    @router.get("/export", response_model=ItemPage, responses=documented())
    async def export(items: Items) -> Any:
        """Give every item at once: a large answer."""
        return page(await export_items(items))

    @router.post("", status_code=201, response_model=ItemResponse, responses=documented(422))
    async def create(items: Items, new: ItemCreate) -> Any:
        """Create an item."""
        return created(await create_item(items, new.model_dump()))

    @router.get("/{item_id}", response_model=ItemResponse, responses=documented(404, 422))
    async def read(item_id: UUID, items: Items) -> Any:
        """Give one item."""
        return one(await read_item(items, item_id))

    @router.patch("/{item_id}", response_model=ItemResponse, responses=documented(404, 422))
    async def update(item_id: UUID, items: Items, changes: ItemUpdate) -> Any:
        """Change parts of an item."""
        return one(await update_item(items, item_id, changes.model_dump(exclude_none=True)))

    @router.delete("/{item_id}", status_code=204, responses=documented(404, 422))
    async def delete(item_id: UUID, items: Items) -> None:
        """Delete an item."""
        await delete_item(items, item_id)

    return router
