"""Quotes as they travel."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class QuoteResponse(BaseModel):
    """A price that the upstream gave."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={"examples": [{"id": 7, "price": "8.07", "currency": "EUR"}]},
    )

    id: int
    price: Decimal
    currency: str = Field(description="ISO 4217 code")
