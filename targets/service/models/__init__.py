"""Tables as typed classes, one noun per file; importing this package knows them all."""

from targets.service.models.base import Base
from targets.service.models.event import EVENTS, EventBigint, EventUuid4, EventUuid7
from targets.service.models.idempotency_key import IdempotencyKey
from targets.service.models.order import Order
from targets.service.models.order_line import OrderLine
from targets.service.models.product import Product
from targets.service.models.user import User

__all__ = [
    "EVENTS",
    "Base",
    "EventBigint",
    "EventUuid4",
    "EventUuid7",
    "IdempotencyKey",
    "Order",
    "OrderLine",
    "Product",
    "User",
]
