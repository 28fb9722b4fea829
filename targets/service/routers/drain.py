"""POST /internal/drain: not ready from now on, without a signal."""

from __future__ import annotations

from fastapi import APIRouter, Request


def build_router() -> APIRouter:
    """Give the route, for a hook that an orchestrator runs before it sends SIGTERM.

    It reaches one process: with several workers behind one port the others stay ready.
    """
    router = APIRouter(include_in_schema=False)

    @router.post("/internal/drain")
    async def begin(request: Request) -> dict[str, bool]:
        """Begin to drain; a second time changes nothing."""
        request.state.drain.begin()
        return {"draining": True}

    return router
