"""Events as they travel."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from targets.service.schemas.text import STORABLE


class EventCreate(BaseModel):
    """A new event."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "order.placed", "payload": {"order_id": 7}}]}
    )

    kind: Annotated[str, Field(min_length=1, max_length=120, pattern=STORABLE, examples=["order.placed"])]
    payload: dict[str, Any] = Field(default_factory=dict)


class EventResponse(BaseModel):
    """An event without its payload, which the client just sent; its id is a number or a UUID."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [{"id": 1, "kind": "order.placed"}]})

    id: int | UUID
    kind: str
    created_at: datetime
