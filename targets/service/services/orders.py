"""What can be done with orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID, uuid4

from targets.service.repositories.orders import OrderRepository
from targets.service.repositories.records import Order, OrderLine


class NewLine(Protocol):
    """A validated line, whoever validated it."""

    @property
    def product_id(self) -> UUID: ...  # noqa: D102  (a field)
    @property
    def quantity(self) -> int: ...  # noqa: D102  (a field)
    @property
    def unit_price(self) -> Decimal: ...  # noqa: D102  (a field)


class NewOrder(Protocol):
    """A validated order, whoever validated it."""

    @property
    def customer_id(self) -> UUID: ...  # noqa: D102  (a field)
    @property
    def currency(self) -> str: ...  # noqa: D102  (a field)
    @property
    def lines(self) -> Sequence[NewLine]: ...  # noqa: D102  (a field)
    @property
    def placed_at(self) -> datetime: ...  # noqa: D102  (a field)
    @property
    def note(self) -> str | None: ...  # noqa: D102  (a field)


async def place_order(orders: OrderRepository, new: NewOrder) -> Order:
    """Compute the totals, keep the order, give it back."""
    lines = tuple(
        OrderLine(line.product_id, line.quantity, line.unit_price, line.quantity * line.unit_price)
        for line in new.lines
    )
    order = Order(
        id=uuid4(),
        customer_id=new.customer_id,
        currency=new.currency,
        lines=lines,
        pieces=sum(line.quantity for line in lines),
        total=sum((line.line_total for line in lines), Decimal(0)),
        placed_at=new.placed_at,
        note=new.note,
    )
    await orders.add(order)
    return order
