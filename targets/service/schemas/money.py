"""Amounts and currencies as they travel: decimals as strings, ISO 4217 codes."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code", examples=["EUR"])]
Price = Annotated[
    Decimal,
    Field(gt=0, max_digits=12, decimal_places=2, description="Amount in the currency", examples=["12.50"]),
]
