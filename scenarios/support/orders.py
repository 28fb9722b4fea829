"""Orders for a service that stores them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
"""New orders are placed within a year of this date: all over a table, not at its end alone."""
YEAR_S = 31_536_000


def new_order(random: Random, *, users: int, products: int) -> dict[str, Any]:
    """Make the body of one order of one to three lines."""
    return {
        "user_id": random.randint(1, users),
        "currency": "EUR",
        "lines": [
            {
                "product_id": random.randint(1, products),
                "quantity": random.randint(1, 9),
                "unit_price": f"{random.randint(100, 99_999) / 100:.2f}",
            }
            for _ in range(random.randint(1, 3))
        ],
        "placed_at": (FIRST + timedelta(seconds=random.randrange(YEAR_S))).isoformat(),
        "note": f"order {random.randrange(1_000_000)}",
    }
