"""The table of order lines."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from targets.service.models.base import Actor, Amount, Base, BigKey, Moment


class OrderLine(Base):
    """One line of an order, at a position from 1."""

    __tablename__ = "order_lines"
    __table_args__ = (Index("ix_order_lines_order_id_position", "order_id", "position"),)

    id: Mapped[BigKey]
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    position: Mapped[int]
    product_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("products.id"))
    quantity: Mapped[int]
    unit_price: Mapped[Amount]
    line_total: Mapped[Amount]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    created_by: Mapped[Actor]
    updated_by: Mapped[Actor]
