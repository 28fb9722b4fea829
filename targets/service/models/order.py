"""The table of orders."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from targets.service.models.base import Actor, Amount, Base, BigKey, Code, Instant, Moment, Words
from targets.service.models.order_line import OrderLine
from targets.service.models.user import User


class Order(Base):
    """An order with its totals; pages go by (placed_at, id), in which the id makes the place unique."""

    __tablename__ = "orders"
    __table_args__ = (
        Index("ix_orders_placed_at_id", "placed_at", "id", postgresql_where=text("deleted_at IS NULL")),
        Index("ix_orders_user_id_id", "user_id", "id"),
    )

    id: Mapped[BigKey]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id"))
    status: Mapped[Words]
    currency: Mapped[Code]
    total: Mapped[Amount]
    pieces: Mapped[int]
    placed_at: Mapped[Instant]
    note: Mapped[Words | None]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    created_by: Mapped[Actor]
    updated_by: Mapped[Actor]
    deleted_at: Mapped[Instant | None]

    user: Mapped[User] = relationship()
    lines: Mapped[list[OrderLine]] = relationship(order_by=OrderLine.position)
