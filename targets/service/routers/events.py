"""/api/v1/events."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from targets.serializers.web import Serializer
from targets.service.dependencies.database import AnyWork
from targets.service.problems import documented
from targets.service.schemas.events import EventCreate, EventResponse


def build_router(serializer: Serializer) -> APIRouter:
    """Give the route."""
    router = APIRouter(prefix="/api/v1/events", tags=["events"])
    created = serializer.respond(EventResponse, 201)

    @router.post("", status_code=201, response_model=EventResponse, responses=documented(422, 503))
    async def create(work: AnyWork, new: EventCreate) -> Any:
        """Keep an event."""
        return created(await work.events.add(new.kind, new.payload))

    return router
