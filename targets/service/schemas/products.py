"""Products as they travel."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from targets.service.schemas.money import Price
from targets.service.schemas.text import STORABLE

Stock = Annotated[int, Field(ge=0, le=1_000_000, description="Pieces on hand", examples=[12])]
Delta = Annotated[int, Field(ge=-1000, le=1000, description="Pieces that came, or went; instead of stock")]
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=STORABLE, examples=["Oak desk"])]


class ProductUpdate(BaseModel):
    """What changes in a product; a field that is left out stays as it is.

    ``stock_delta`` counts on from what is there, below zero too (pieces that are owed): repeated, it counts again.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"price": "239.00", "stock": 11}]})

    name: Name | None = None
    price: Price | None = None
    stock: Stock | None = None
    stock_delta: Delta | None = None

    @model_validator(mode="after")
    def _one_stock(self) -> Self:
        if self.stock is not None and self.stock_delta is not None:
            raise ValueError("stock and stock_delta exclude each other")
        return self


class ProductResponse(BaseModel):
    """A product."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"id": 1, "sku": "SKU-00000001", "price": "249.00", "version": 1}]},
    )

    id: int
    sku: str
    name: str
    category: str
    price: Decimal
    currency: str
    stock: int
    updated_at: datetime
    version: int = Field(description="Counts the changes, from 1")
