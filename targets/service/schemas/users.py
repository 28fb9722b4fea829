"""Users as they travel."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from targets.service.schemas.stored_pages import Links, StoredMeta
from targets.service.schemas.text import STORABLE

Email = Annotated[
    str, Field(min_length=3, max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$", examples=["ada@example.org"])
]
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=STORABLE, examples=["Ada"])]

_EXAMPLE: dict[str, Any] = {"email": "ada@example.org", "name": "Ada"}


class UserCreate(BaseModel):
    """A new user."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    email: Email
    name: Name


class UserUpdate(BaseModel):
    """What changes in a user; a field that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Ada L."}]})

    email: Email | None = None
    name: Name | None = None


class UserResponse(BaseModel):
    """A user."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [{"id": 1, **_EXAMPLE}]})

    id: int
    email: str
    name: str
    created_at: datetime
    updated_at: datetime


class UserPage(BaseModel):
    """One page of users."""

    model_config = ConfigDict(from_attributes=True)

    data: list[UserResponse]
    meta: StoredMeta
    links: Links
