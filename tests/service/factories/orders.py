"""Orders with their lines for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import factory

from targets.service.models import Order, OrderLine
from tests.service.factories.products import ProductFactory
from tests.service.factories.users import UserFactory

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


class OrderLineFactory(factory.Factory):
    """Builds a line of a product that must be stored already."""

    class Meta:
        """What is built."""

        model = OrderLine

    position = 1
    quantity = 2
    unit_price = Decimal("9.50")
    line_total = factory.LazyAttribute(lambda line: line.quantity * line.unit_price)


class OrderFactory(factory.Factory):
    """Builds an order; its user comes along."""

    class Meta:
        """What is built."""

        model = Order

    user = factory.SubFactory(UserFactory)
    status = "placed"
    currency = "EUR"
    total = Decimal("19.00")
    pieces = 2
    placed_at = factory.Sequence(lambda number: FIRST + timedelta(minutes=number))
    note = None


async def stored_order(session, **fields):
    """Store an order with one line, its user and its product, and give it back."""
    product = ProductFactory.build()
    session.add(product)
    await session.flush()
    order = OrderFactory.build(lines=[OrderLineFactory.build(product_id=product.id)], **fields)
    session.add(order)
    await session.commit()
    return order
