"""/internal/cursor and /internal/data: where an instrument begins, and what the database was asked."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import APIRouter, Query

from targets.service.dependencies.database import AnyBackend, AnyWork
from targets.service.repositories.keys import ID_MAX
from targets.service.services.order_pages import deep_places
from targets.service.services.signed_cursors import Cursors

Rows = Annotated[int, Query(ge=1, le=ID_MAX, description="Orders to leave behind")]


def build_router(cursors: Cursors) -> APIRouter:
    """Give the routes; their answers speak of the process that answers."""
    router = APIRouter(prefix="/internal", include_in_schema=False)

    @router.get("/cursor")
    async def cursor(work: AnyWork, rows: Rows) -> dict[str, Any]:
        """Give the cursor and the id behind which the order after ``rows`` orders stands."""
        token, after_id = await deep_places(work.orders, cursors, rows)
        return {"cursor": token, "after_id": after_id}

    @router.get("/data")
    async def report(backend: AnyBackend) -> dict[str, Any]:
        """Tell the statements since the start (BEGIN, COMMIT and pre-pings are none) and what connections do."""
        return {"pid": os.getpid(), "statements": backend.statements.value, "pool": backend.pool()}

    return router
