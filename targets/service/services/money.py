"""Amounts as the database keeps them."""

from __future__ import annotations

from decimal import Decimal

CENT = Decimal("0.01")
"""The smallest amount."""
TOTAL_MAX = Decimal("9999999999.99")
"""The largest amount that a column holds."""
