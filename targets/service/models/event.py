"""The tables of events: the same rows under three kinds of primary key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from targets.service.models.base import Base, BigKey, Moment, Words


class EventBigint(Base):
    """Keys that count up."""

    __tablename__ = "events_bigint"

    id: Mapped[BigKey]
    kind: Mapped[Words]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[Moment]


class EventUuid4(Base):
    """Random keys: each insert goes to another page of the index."""

    __tablename__ = "events_uuid4"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    kind: Mapped[Words]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[Moment]


class EventUuid7(Base):
    """Keys that begin with the time."""

    __tablename__ = "events_uuid7"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("uuidv7()"))
    kind: Mapped[Words]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[Moment]


EVENTS: Mapping[str, type[EventBigint | EventUuid4 | EventUuid7]] = {
    "bigint": EventBigint,
    "uuid4": EventUuid4,
    "uuid7": EventUuid7,
}
"""The table of each kind of key."""
