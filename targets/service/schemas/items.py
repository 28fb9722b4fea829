"""Items as they travel."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from targets.service.schemas.envelope import Page
from targets.service.schemas.money import Currency, Price

Name = Annotated[str, Field(min_length=1, max_length=120, examples=["Oak desk"])]
Text = Annotated[str, Field(max_length=2000, examples=["A desk of solid oak."])]
Tag = Annotated[str, Field(min_length=1, max_length=40, examples=["office"])]
Stock = Annotated[int, Field(ge=0, le=1_000_000, description="Pieces on hand", examples=[12])]

_EXAMPLE: dict[str, Any] = {
    "name": "Oak desk",
    "description": "A desk of solid oak.",
    "category": "office",
} | {
    "tags": ["office", "wood"],
    "price": "249.00",
    "currency": "EUR",
    "stock": 12,
}


class ItemCreate(BaseModel):
    """A new item."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    name: Name
    description: Text = ""
    category: Name
    tags: list[Tag] = Field(default_factory=list, max_length=20)
    price: Price
    currency: Currency
    stock: Stock = 0


class ItemUpdate(BaseModel):
    """What changes in an item; a field that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"price": "239.00", "stock": 11}]})

    name: Name | None = None
    description: Text | None = None
    price: Price | None = None
    stock: Stock | None = None


class Dimensions(BaseModel):
    """Outer size in millimetres."""

    model_config = ConfigDict(from_attributes=True)

    width_mm: int
    height_mm: int
    depth_mm: int


class ItemSummary(BaseModel):
    """An item in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    category: str
    price: Decimal = Field(examples=["249.00"])
    currency: str
    stock: int
    created_at: datetime


class ItemResponse(BaseModel):
    """An item with everything that the public may know."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_EXAMPLE]})

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


class ItemPage(Page[ItemSummary]):
    """One page of items."""
