"""The same schemas as msgspec structs: what somebody who chose msgspec would write by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from pydantic import BaseModel

from targets.service.schemas import health, items, orders, quotes

_CENTS = -2
_DIGITS_MAX = 12


class Status(Struct, frozen=True):
    """One word."""

    status: str


class Readiness(Struct, frozen=True):
    """One word, and one for each resource."""

    status: str
    checks: dict[str, str]


class Dimensions(Struct, frozen=True):
    """Outer size in millimetres."""

    width_mm: int
    height_mm: int
    depth_mm: int


class ItemSummary(Struct, frozen=True):
    """An item in a list."""

    id: UUID
    name: str
    category: str
    price: Decimal
    currency: str
    stock: int
    created_at: datetime


class ItemResponse(Struct, frozen=True):
    """An item with everything that the public may know."""

    id: UUID
    name: str
    description: str
    category: str
    tags: list[str]
    price: Decimal
    currency: str
    stock: int
    rating: float
    active: bool
    dimensions: Dimensions
    attributes: dict[str, str]
    created_at: datetime
    updated_at: datetime


class PageMeta(Struct, frozen=True):
    """Where a page stands in the whole."""

    total: int | None
    cursor: str | None
    limit: int


class PageLinks(Struct, frozen=True):
    """The neighbours of a page."""

    next: str | None
    prev: str | None


class ItemPage(Struct, frozen=True):
    """One page of items."""

    data: list[ItemSummary]
    meta: PageMeta
    links: PageLinks


def check_price(price: Decimal) -> None:
    """Check a unit price: msgspec has no constraints for decimals; ValueError becomes its own error."""
    sign, digits, exponent = price.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("unit_price must be finite")  # noqa: TRY004  (msgspec passes ValueError on)
    if sign or not any(digits):
        raise ValueError("unit_price must be greater than 0")
    if exponent < _CENTS or len(digits) + max(exponent, 0) > _DIGITS_MAX:
        raise ValueError("unit_price must have at most 12 digits, 2 of them after the point")


class OrderLineCreate(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a new order."""

    product_id: UUID
    quantity: Annotated[int, Meta(ge=1, le=orders.QUANTITY_MAX)]
    unit_price: Decimal

    def __post_init__(self) -> None:
        """Check the price."""
        check_price(self.unit_price)


class OrderCreate(Struct, frozen=True, forbid_unknown_fields=True):
    """A new order."""

    customer_id: UUID
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    lines: Annotated[list[OrderLineCreate], Meta(min_length=1, max_length=orders.LINES_MAX)]
    placed_at: Annotated[datetime, Meta(tz=True)]
    note: Annotated[str, Meta(max_length=orders.NOTE_MAX)] | None = None


class OrderLineResponse(Struct, frozen=True):
    """One line with its total."""

    product_id: UUID
    quantity: int
    unit_price: Decimal
    line_total: Decimal


class OrderResponse(Struct, frozen=True):
    """An order with its totals."""

    id: UUID
    customer_id: UUID
    currency: str
    lines: list[OrderLineResponse]
    pieces: int
    total: Decimal
    placed_at: datetime
    note: str | None


class QuoteResponse(Struct, frozen=True):
    """A price that the upstream gave."""

    id: int
    price: Decimal
    currency: str


STRUCTS: Mapping[type[BaseModel], Any] = {
    health.Status: Status,
    health.Readiness: Readiness,
    items.ItemResponse: ItemResponse,
    items.ItemPage: ItemPage,
    orders.OrderCreate: OrderCreate,
    orders.OrderResponse: OrderResponse,
    quotes.QuoteResponse: QuoteResponse,
}
"""Which struct stands for which model."""
