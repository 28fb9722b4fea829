"""The table of products."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from targets.service.models.base import EAGER_DEFAULTS, Actor, Amount, Base, BigKey, Code, Instant, Moment, Words


class Product(Base):
    """What is sold; ``version`` counts the changes."""

    __tablename__ = "products"
    __table_args__ = (Index("uq_products_sku", "sku", unique=True, postgresql_where=text("deleted_at IS NULL")),)
    __mapper_args__ = EAGER_DEFAULTS

    id: Mapped[BigKey]
    sku: Mapped[Words]
    name: Mapped[Words]
    category: Mapped[Words]
    price: Mapped[Amount]
    currency: Mapped[Code]
    stock: Mapped[int]
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]
    created_by: Mapped[Actor]
    updated_by: Mapped[Actor]
    deleted_at: Mapped[Instant | None]
