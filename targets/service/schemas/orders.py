"""Orders as they travel."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from targets.service.schemas.money import Currency, Price

LINES_MAX = 100
QUANTITY_MAX = 10_000
NOTE_MAX = 500

_EXAMPLE: dict[str, Any] = {
    "customer_id": "7f2c1e0a-94d8-4c65-8a5c-0c3c3f0a7a11",
    "currency": "EUR",
    "lines": [
        {"product_id": "00000000-0000-4000-8000-000000000001", "quantity": 2, "unit_price": "12.50"},
        {"product_id": "00000000-0000-4000-8000-000000000002", "quantity": 1, "unit_price": "3.20"},
    ],
    "placed_at": "2026-11-24T09:30:00Z",
    "note": "Ring twice.",
}


class OrderLineCreate(BaseModel):
    """One line of a new order."""

    model_config = ConfigDict(extra="forbid")

    product_id: UUID
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
    unit_price: Price


class OrderCreate(BaseModel):
    """A new order."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    customer_id: UUID
    currency: Currency
    lines: Annotated[list[OrderLineCreate], Field(min_length=1, max_length=LINES_MAX)]
    placed_at: AwareDatetime
    note: Annotated[str | None, Field(max_length=NOTE_MAX)] = None


class OrderLineResponse(BaseModel):
    """One line with its total."""

    model_config = ConfigDict(from_attributes=True)

    product_id: UUID
    quantity: int
    unit_price: Decimal
    line_total: Decimal


class OrderResponse(BaseModel):
    """An order with its totals."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"id": "1d1ae09a-30ab-4a4b-9d39-9a2bb0a91e0f", "total": "28.20"}]},
    )

    id: UUID
    customer_id: UUID
    currency: str
    lines: list[OrderLineResponse]
    pieces: int = Field(description="Sum of the quantities")
    total: Decimal = Field(description="Sum of the lines")
    placed_at: datetime
    note: str | None
