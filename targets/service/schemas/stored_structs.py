"""What travels to and from the database as msgspec structs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from pydantic import BaseModel

from targets.service.repositories.keys import ID_MAX
from targets.service.schemas import events, orders, products, stored_orders, users
from targets.service.schemas.structs import PageLinks, check_price
from targets.service.schemas.text import STORABLE

Reference = Annotated[int, Meta(ge=1, le=ID_MAX)]


class StoredMeta(Struct, frozen=True):
    """Where a page stands in the whole."""

    total: int | None
    page: int | None
    cursor: str | None
    limit: int


class UserResponse(Struct, frozen=True):
    """A user."""

    id: int
    email: str
    name: str
    created_at: datetime
    updated_at: datetime


class UserPage(Struct, frozen=True):
    """One page of users."""

    data: list[UserResponse]
    meta: StoredMeta
    links: PageLinks


class ProductResponse(Struct, frozen=True):
    """A product."""

    id: int
    sku: str
    name: str
    category: str
    price: Decimal
    currency: str
    stock: int
    updated_at: datetime
    version: int


class EventResponse(Struct, frozen=True):
    """An event without its payload; its id is a number or a UUID."""

    id: int | UUID
    kind: str
    created_at: datetime


class StoredOrderLineCreate(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a new order."""

    product_id: Reference
    quantity: Annotated[int, Meta(ge=1, le=orders.QUANTITY_MAX)]
    unit_price: Decimal

    def __post_init__(self) -> None:
        """Check the price."""
        check_price(self.unit_price)


class StoredOrderCreate(Struct, frozen=True, forbid_unknown_fields=True):
    """A new order."""

    user_id: Reference
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    lines: Annotated[list[StoredOrderLineCreate], Meta(min_length=1, max_length=orders.LINES_MAX)]
    placed_at: Annotated[datetime, Meta(tz=True)]
    note: Annotated[str, Meta(max_length=orders.NOTE_MAX, pattern=STORABLE)] | None = None


class StoredOrderLine(Struct, frozen=True):
    """One line with its total."""

    position: int
    product_id: int
    quantity: int
    unit_price: Decimal
    line_total: Decimal


class StoredOrder(Struct, frozen=True):
    """An order in a list."""

    id: int
    user_id: int
    status: str
    currency: str
    total: Decimal
    pieces: int
    placed_at: datetime
    note: str | None
    lines: list[StoredOrderLine] | None


class StoredOrderCreated(Struct, frozen=True):
    """An order that was just placed."""

    id: int
    user_id: int
    status: str
    currency: str
    total: Decimal
    pieces: int
    placed_at: datetime
    note: str | None
    lines: list[StoredOrderLine]


class StoredOrderDetail(Struct, frozen=True):
    """An order with its lines and who placed it."""

    id: int
    user_id: int
    status: str
    currency: str
    total: Decimal
    pieces: int
    placed_at: datetime
    note: str | None
    lines: list[StoredOrderLine]
    user: UserResponse


class StoredOrderPage(Struct, frozen=True):
    """One page of orders."""

    data: list[StoredOrder]
    meta: StoredMeta
    links: PageLinks


STRUCTS: Mapping[type[BaseModel], Any] = {
    users.UserResponse: UserResponse,
    users.UserPage: UserPage,
    products.ProductResponse: ProductResponse,
    events.EventResponse: EventResponse,
    stored_orders.StoredOrderCreate: StoredOrderCreate,
    stored_orders.StoredOrderCreated: StoredOrderCreated,
    stored_orders.StoredOrderDetail: StoredOrderDetail,
    stored_orders.StoredOrderPage: StoredOrderPage,
}
"""Which struct stands for which model."""
