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


@dataclass(frozen=True, slots=True)
class Product:
    """A product of the catalogue; ``version`` counts its changes, from 1."""

    id: int
    sku: str
    name: str
    category: str
    price: Decimal
    currency: str
    stock: int
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who orders."""

    id: int
    email: str
    name: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class StoredLine:
    """One line of an order in the database; positions count from 1."""

    position: int
    product_id: int
    quantity: int
    unit_price: Decimal
    line_total: Decimal


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order in the database; ``lines`` and ``user`` are None where they were not asked for."""

    id: int
    user_id: int
    status: str
    currency: str
    total: Decimal
    pieces: int
    placed_at: datetime
    note: str | None
    lines: tuple[StoredLine, ...] | None = None
    user: User | None = None


@dataclass(frozen=True, slots=True)
class NewStoredOrder:
    """An order that is about to be stored, its totals computed."""

    user_id: int
    status: str
    currency: str
    total: Decimal
    pieces: int
    placed_at: datetime
    note: str | None
    lines: tuple[StoredLine, ...]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, without its payload; its id is a number or a UUID, as the table has it."""

    id: int | UUID
    kind: str
    created_at: datetime
