"""/health and /ping."""

from __future__ import annotations

from typing import Any, NamedTuple

from fastapi import APIRouter, Request

from targets.serializers.web import Serializer
from targets.service.problems import Problem, documented
from targets.service.schemas.health import Readiness, Status
from targets.service.services.readiness import Ask, Found


class Asked(NamedTuple):
    """How each check looks at the dependencies."""

    live: Ask
    ready: Ask


def build_router(serializer: Serializer, asked: Asked, *, startup: bool) -> APIRouter:
    """Give the routes, with /health/startup or without it."""
    router = APIRouter(tags=["health"])
    status, readiness = serializer.respond(Status, 200), serializer.respond(Readiness, 200)

    @router.get("/ping", response_model=Status, responses=documented())
    async def ping() -> Any:
        """Give the smallest answer."""
        return status({"status": "ok"})

    @router.get("/health/live", response_model=Status, responses=documented(503))
    async def live(request: Request) -> Any:
        """Tell that the process answers, and what its settings add to that."""
        _refuse_failed(await asked.live(request.state.pings), "live")
        return status({"status": "ok"})

    @router.get("/health/ready", response_model=Readiness, responses=documented(503))
    async def ready(request: Request) -> Any:
        """Tell whether the dependencies can be used, as the settings say."""
        found = await asked.ready(request.state.pings)
        _refuse_failed(found, "ready")
        return readiness({"status": "degraded" if found.degraded else "ok", "checks": found.checks})

    if startup:

        @router.get("/health/startup", response_model=Status, responses=documented())
        async def started() -> Any:
            """Tell that start-up is over: no request is served before that."""
            return status({"status": "started"})

    return router


def _refuse_failed(found: Found, what: str) -> None:
    """Answer 503 with the names of what failed."""
    if found.failed:
        errors = [{"loc": ["resource", n], "msg": text, "type": f"not-{what}"} for n, text in found.failed.items()]
        raise Problem(503, f"not-{what}", f"Not {what}: {', '.join(found.failed)}.", errors)
