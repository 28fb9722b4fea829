"""/health and /ping."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request

from targets.serializers.web import Serializer
from targets.service.lifespan import Ping
from targets.service.problems import Problem, documented
from targets.service.schemas.health import Readiness, Status

PING_TIMEOUT_S = 1.0
"""A resource that takes longer is not ready: the orchestrator's own time-out is usually 1 s or more."""


def build_router(serializer: Serializer) -> APIRouter:
    """Give the routes."""
    router = APIRouter(tags=["health"])
    status, readiness = serializer.respond(Status, 200), serializer.respond(Readiness, 200)

    @router.get("/ping", response_model=Status, responses=documented())
    async def ping() -> Any:
        """Give the smallest answer."""
        return status({"status": "ok"})

    @router.get("/health/live", response_model=Status, responses=documented())
    async def live() -> Any:
        """Tell that the process answers; touches nothing else."""
        return status({"status": "ok"})

    @router.get("/health/ready", response_model=Readiness, responses=documented(503))
    async def ready(request: Request) -> Any:
        """Ask every resource of the process, afresh each time."""
        found = {name: await _check(call) for name, call in request.state.pings.items()}
        checks = {name: text for name, (text, _) in found.items()}
        failed = {name: text for name, (text, usable) in found.items() if not usable}
        if failed:
            errors = [{"loc": ["resource", n], "msg": text, "type": "not-ready"} for n, text in failed.items()]
            raise Problem(503, "not-ready", f"Not ready: {', '.join(failed)}.", errors)
        return readiness({"status": "ok", "checks": checks})

    @router.get("/health/startup", response_model=Status, responses=documented())
    async def startup() -> Any:
        """Tell that start-up is over: no request is served before that."""
        return status({"status": "started"})

    return router


async def _check(ping: Ping) -> tuple[str, bool]:
    """Say how the resource is, and whether the service can be used."""
    try:
        word = await asyncio.wait_for(ping(), PING_TIMEOUT_S)
    except TimeoutError:
        return f"no answer within {PING_TIMEOUT_S} s", False
    except Exception as error:  # noqa: BLE001  (whatever a resource raises, it is not ready)
        return type(error).__name__, False
    return word or "ok", True
