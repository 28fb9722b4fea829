"""/internal/upstream: what calls, attempts and the policy did; for the instrument only."""

from __future__ import annotations

import os
from typing import Any

from fastapi import APIRouter

from targets.service.dependencies.quotes import AnyQuotes


def build_router() -> APIRouter:
    """Give the route; its answer speaks of the process that answers, since start."""
    router = APIRouter(include_in_schema=False)

    @router.get("/internal/upstream")
    async def report(quotes: AnyQuotes) -> dict[str, Any]:
        """Tell calls, attempts, retries, hedges, what was refused and given up, and the breaker's states."""
        return {"pid": os.getpid(), **quotes.report()}

    return router
