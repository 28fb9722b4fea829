"""/internal/cache: what the cache did, and two ways to make it forget; for the instrument only."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from targets.service.cache.parts import Parts
from targets.service.repositories.keys import ID_MAX


async def parts_of(request: Request) -> Parts:
    """Give the process's cache."""
    parts: Parts = request.state.cache
    return parts


CacheParts = Annotated[Parts, Depends(parts_of)]
ProductId = Annotated[int, Query(alias="id", ge=1, le=ID_MAX, description="The product that expires")]


def build_router() -> APIRouter:
    """Give the routes; their answers speak of the process that answers, since start."""
    router = APIRouter(prefix="/internal/cache", include_in_schema=False)

    @router.get("")
    async def report(parts: CacheParts) -> dict[str, Any]:
        """Tell hits, misses, errors, loads, sets and times."""
        return {"pid": os.getpid(), **parts.report()}

    @router.post("/expire")
    async def expire(parts: CacheParts, product_id: ProductId) -> dict[str, Any]:
        """Let one key expire now; false for a level that could not be reached."""
        return {"pid": os.getpid(), "levels": await parts.expire(product_id)}

    @router.post("/clear")
    async def clear(parts: CacheParts) -> dict[str, Any]:
        """Forget all keys of the namespace; false for a level that could not be reached."""
        return {"pid": os.getpid(), "levels": await parts.clear()}

    return router
