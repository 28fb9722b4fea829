"""The latest orders, in memory."""

from __future__ import annotations

from collections import deque

from targets.service.repositories.records import Order

KEPT_MAX = 1000
"""Older orders are forgotten: under load the process must not grow without end."""


class OrderRepository:
    """The latest orders of this process."""

    def __init__(self) -> None:
        """Start with none."""
        self._orders: deque[Order] = deque(maxlen=KEPT_MAX)

    async def ping(self) -> None:
        """Tell that orders can be kept: memory always can."""

    async def add(self, order: Order) -> None:
        """Keep an order."""
        self._orders.append(order)
