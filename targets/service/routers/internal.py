"""/internal/arm: which arm answers, for the instrument; never in headers, which are measured too."""

from __future__ import annotations

import inspect
import os
from typing import Any

from fastapi import APIRouter, Request


def build_router(nonce: str | None, fingerprint: str) -> APIRouter:
    """Give the route."""
    router = APIRouter(include_in_schema=False)

    @router.get("/internal/arm")
    async def arm(request: Request) -> dict[str, Any]:
        """Tell nonce, fingerprint, the frames of the stack (outermost first) and the process."""
        frames = frames_of(request.app.middleware_stack)
        return {"nonce": nonce, "fingerprint": fingerprint, "stack": frames, "pid": os.getpid()}

    return router


def frames_of(app: Any) -> list[str]:
    """Give the class names from the outermost frame to the router."""
    names = []
    # The router's own ``app`` is its bound method: the frames end there.
    while app is not None and not inspect.ismethod(app):
        names.append(type(app).__name__)
        app = getattr(app, "app", None)
    return names
