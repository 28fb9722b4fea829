"""/internal/idempotency: how many keys are kept, and two ways to be rid of them; for the instrument only."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from targets.service.idempotency.keeper import Keeper

AGE_MAX_S = 400 * 86_400.0
"""Beyond the longest life and the longest tombstone together."""


async def keeper_of(request: Request) -> Keeper:
    """Give who keeps the keys."""
    keeper: Keeper = request.state.idempotency
    return keeper


AnyKeeper = Annotated[Keeper, Depends(keeper_of)]
Seconds = Annotated[float, Query(gt=0, le=AGE_MAX_S, description="How much older all keys become")]


def build_router() -> APIRouter:
    """Give the routes."""
    router = APIRouter(prefix="/internal/idempotency", include_in_schema=False)

    @router.get("")
    async def report(keeper: AnyKeeper) -> dict[str, Any]:
        """Tell answers, tombstones and their bytes."""
        return {"pid": os.getpid(), **await keeper.report()}

    @router.post("/age")
    async def age(keeper: AnyKeeper, seconds: Seconds) -> dict[str, Any]:
        """Let all keys be older than they are."""
        await keeper.age(seconds)
        return {"pid": os.getpid()}

    @router.post("/purge")
    async def purge(keeper: AnyKeeper) -> dict[str, Any]:
        """Drop the keys that are forgotten, as a job of the operator does."""
        return {"pid": os.getpid(), "dropped": await keeper.purge()}

    return router
