"""Stored orders as they travel."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from targets.service.repositories.keys import ID_MAX
from targets.service.schemas.money import Currency, Price
from targets.service.schemas.orders import LINES_MAX, NOTE_MAX, QUANTITY_MAX
from targets.service.schemas.stored_pages import Links, StoredMeta
from targets.service.schemas.text import STORABLE
from targets.service.schemas.users import UserResponse

Reference = Annotated[int, Field(ge=1, le=ID_MAX, examples=[7])]

_EXAMPLE: dict[str, Any] = {
    "user_id": 7,
    "currency": "EUR",
    "lines": [{"product_id": 1, "quantity": 2, "unit_price": "12.50"}],
    "placed_at": "2026-11-24T09:30:00Z",
    "note": "Ring twice.",
}


class StoredOrderLineCreate(BaseModel):
    """One line of a new order."""

    model_config = ConfigDict(extra="forbid")

    product_id: Reference
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
    unit_price: Price


class StoredOrderCreate(BaseModel):
    """A new order."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    user_id: Reference
    currency: Currency
    lines: Annotated[list[StoredOrderLineCreate], Field(min_length=1, max_length=LINES_MAX)]
    placed_at: AwareDatetime
    note: Annotated[str | None, Field(max_length=NOTE_MAX, pattern=STORABLE)] = None


class StoredOrderLine(BaseModel):
    """One line with its total."""

    model_config = ConfigDict(from_attributes=True)

    position: int = Field(description="Place in the order, from 1")
    product_id: int
    quantity: int
    unit_price: Decimal
    line_total: Decimal


class StoredOrder(BaseModel):
    """An order in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    user_id: int
    status: str
    currency: str
    total: Decimal = Field(description="Sum of the lines", examples=["25.00"])
    pieces: int = Field(description="Sum of the quantities")
    placed_at: datetime
    note: str | None
    lines: list[StoredOrderLine] | None = Field(description="null unless expand=lines")


class StoredOrderCreated(BaseModel):
    """An order that was just placed."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    user_id: int
    status: str
    currency: str
    total: Decimal
    pieces: int
    placed_at: datetime
    note: str | None
    lines: list[StoredOrderLine]


class StoredOrderDetail(BaseModel):
    """An order with its lines and who placed it."""

    model_config = ConfigDict(from_attributes=True)

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


class StoredOrderPage(BaseModel):
    """One page of orders."""

    model_config = ConfigDict(from_attributes=True)

    data: list[StoredOrder]
    meta: StoredMeta
    links: Links
