"""Products as they travel."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from targets.service.schemas.money import Price
from targets.service.schemas.text import STORABLE

Stock = Annotated[int, Field(ge=0, le=1_000_000, description="Pieces on hand", examples=[12])]
Name = Annotated[str, Field(min_length=1, max_length=120, pattern=STORABLE, examples=["Oak desk"])]


class ProductUpdate(BaseModel):
    """What changes in a product; a field that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"price": "239.00", "stock": 11}]})

    name: Name | None = None
    price: Price | None = None
    stock: Stock | None = None


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
