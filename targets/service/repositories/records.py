"""Records as they are kept: frozen data that knows nothing of HTTP or JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Outer size in millimetres."""

    width_mm: int
    height_mm: int
    depth_mm: int


@dataclass(frozen=True, slots=True)
class Item:
    """An item, with what the public must not see (``cost``)."""

    id: UUID
    name: str
    description: str
    category: str
    tags: tuple[str, ...]
    price: Decimal
    cost: Decimal
    currency: str
    stock: int
    rating: float
    active: bool
    dimensions: Dimensions
    attributes: dict[str, str]
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order with its total."""

    product_id: UUID
    quantity: int
    unit_price: Decimal
    line_total: Decimal


@dataclass(frozen=True, slots=True)
class Order:
    """An order with its totals."""

    id: UUID
    customer_id: UUID
    currency: str
    lines: tuple[OrderLine, ...]
    pieces: int
    total: Decimal
    placed_at: datetime
    note: str | None
