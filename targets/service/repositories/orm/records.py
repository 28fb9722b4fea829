"""Mapped objects as records: what leaves a repository cannot touch the database any more."""

from __future__ import annotations

from targets.service import models
from targets.service.repositories.records import Product, StoredLine, StoredOrder, User


def user_record(user: models.User) -> User:
    """Copy a user."""
    return User(user.id, user.email, user.name, user.created_at, user.updated_at)


def product_record(product: models.Product) -> Product:
    """Copy a product."""
    return Product(
        id=product.id,
        sku=product.sku,
        name=product.name,
        category=product.category,
        price=product.price,
        currency=product.currency,
        stock=product.stock,
        updated_at=product.updated_at,
        version=product.version,
    )


def line_record(line: models.OrderLine) -> StoredLine:
    """Copy a line."""
    return StoredLine(line.position, line.product_id, line.quantity, line.unit_price, line.line_total)


def order_record(order: models.Order, *, lines: bool, user: bool = False) -> StoredOrder:
    """Copy an order; its lines and its user must be loaded where they are wanted."""
    return StoredOrder(
        id=order.id,
        user_id=order.user_id,
        status=order.status,
        currency=order.currency,
        total=order.total,
        pieces=order.pieces,
        placed_at=order.placed_at,
        note=order.note,
        lines=tuple(line_record(line) for line in order.lines) if lines else None,
        user=user_record(order.user) if user else None,
    )
