"""Products for tests."""

from __future__ import annotations

from decimal import Decimal

import factory

from targets.service.models import Product


class ProductFactory(factory.Factory):
    """Builds a product that no session knows."""

    class Meta:
        """What is built."""

        model = Product

    sku = factory.Sequence(lambda number: f"TEST-{number}")
    name = factory.Faker("word")
    category = "office"
    price = Decimal("9.50")
    currency = "EUR"
    stock = 3
