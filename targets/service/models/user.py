"""The table of users."""

from __future__ import annotations

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from targets.service.models.base import EAGER_DEFAULTS, Actor, Base, BigKey, Instant, Moment, Words


class User(Base):
    """Somebody who orders; an address is unique among those who are not deleted."""

    __tablename__ = "users"
    __table_args__ = (Index("uq_users_email", "email", unique=True, postgresql_where=text("deleted_at IS NULL")),)
    __mapper_args__ = EAGER_DEFAULTS

    id: Mapped[BigKey]
    email: Mapped[Words]
    name: Mapped[Words]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    created_by: Mapped[Actor]
    updated_by: Mapped[Actor]
    deleted_at: Mapped[Instant | None]
