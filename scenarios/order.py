"""Places orders: POSTs nested orders of a few lines to /api/v1/orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from support.wire.request import Request, request
from support.wire.user import WireUser

ORDERS = 64
"""Different orders, sent in turn: enough that no answer is served from a cache of the last one."""

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""Orders are placed within a year of this date, so that a seed gives the same bytes at any time."""


class Order(WireUser):
    """Parameters: ``lines`` (most lines of an order), ``path``, ``products`` (ids go from 1 to there)."""

    parameters = {"lines": 5, "path": "/api/v1/orders", "products": 100}

    def requests(self, parameters: Mapping[str, Any], seed: int) -> Sequence[Request]:
        """Encode the orders that this seed makes."""
        random = Random(f"orders {seed}")
        return [
            request(
                "POST",
                parameters["path"],
                json=order(random, int(parameters["lines"]), int(parameters["products"])),
                expect=parameters.get("expect"),
            )
            for _ in range(ORDERS)
        ]


def order(random: Random, lines_max: int, products: int) -> dict[str, Any]:
    """Make one order."""
    return {
        "customer_id": str(UUID(int=random.getrandbits(128), version=4)),
        "currency": "EUR",
        "lines": [
            {
                "product_id": random.randint(1, products),
                "quantity": random.randint(1, 9),
                "unit_price": f"{random.randint(100, 99_999) / 100:.2f}",
            }
            for _ in range(random.randint(1, lines_max))
        ],
        "placed_at": (EPOCH + timedelta(seconds=random.randrange(31_536_000))).isoformat(),
        "note": f"order {random.randrange(1_000_000)}",
    }
