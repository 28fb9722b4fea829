"""The table of idempotency keys."""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from targets.service.models.base import Base, Instant, Moment, Words


class IdempotencyKey(Base):
    """A key in its scope, with the answer that it got; committed together with what it stands for.

    Until ``expires_at`` the answer is replayed; until ``forgotten_at`` the key is known to have expired.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("ix_idempotency_keys_forgotten_at", "forgotten_at"),)

    client: Mapped[Words] = mapped_column(primary_key=True)
    method: Mapped[Words] = mapped_column(primary_key=True)
    route: Mapped[Words] = mapped_column(primary_key=True)
    key: Mapped[Words] = mapped_column(primary_key=True)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    content_type: Mapped[Words | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    expires_at: Mapped[Instant]
    forgotten_at: Mapped[Instant]
