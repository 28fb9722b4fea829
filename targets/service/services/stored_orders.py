"""What can be done with stored orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Protocol

from targets.service.problems import Problem
from targets.service.repositories.records import NewStoredOrder, StoredLine, StoredOrder
from targets.service.repositories.stored import StoredOrders, Work
from targets.service.services.money import CENT, TOTAL_MAX


class NewLine(Protocol):
    """A validated line, whoever validated it."""

    @property
    def product_id(self) -> int: ...  # noqa: D102  (a field)
    @property
    def quantity(self) -> int: ...  # noqa: D102  (a field)
    @property
    def unit_price(self) -> Decimal: ...  # noqa: D102  (a field)


class NewOrder(Protocol):
    """A validated order, whoever validated it."""

    @property
    def user_id(self) -> int: ...  # noqa: D102  (a field)
    @property
    def currency(self) -> str: ...  # noqa: D102  (a field)
    @property
    def lines(self) -> Sequence[NewLine]: ...  # noqa: D102  (a field)
    @property
    def placed_at(self) -> datetime: ...  # noqa: D102  (a field)
    @property
    def note(self) -> str | None: ...  # noqa: D102  (a field)


async def store_order(work: Work, new: NewOrder) -> StoredOrder:
    """Compute the totals and keep order and lines together; 422 for an unknown user or product."""
    priced = price(new)
    await _known(work, new)
    return await work.orders.add(priced)


async def read_order(orders: StoredOrders, order_id: int) -> StoredOrder:
    """Give the order with its lines and its user; a 404 Problem if there is none."""
    order = await orders.get(order_id)
    if order is None:
        raise _none(order_id)
    return order


async def delete_order(orders: StoredOrders, order_id: int) -> None:
    """Mark the order as deleted; a 404 Problem if there is none."""
    if not await orders.remove(order_id):
        raise _none(order_id)


def price(new: NewOrder) -> NewStoredOrder:
    """Number the lines and compute their totals, exactly; a 422 Problem for a sum that cannot be kept."""
    lines = tuple(_line(position, line) for position, line in enumerate(new.lines, 1))
    total = sum((line.line_total for line in lines), Decimal(0))
    if total > TOTAL_MAX:
        raise Problem(422, "total-too-large", f"The order's total is beyond {TOTAL_MAX}.")
    return NewStoredOrder(
        user_id=new.user_id,
        status="placed",
        currency=new.currency,
        total=total,
        pieces=sum(line.quantity for line in lines),
        placed_at=_in_utc(new.placed_at),
        note=new.note,
        lines=lines,
    )


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise Problem(422, "moment-out-of-range", "placed_at is outside of the years 1 to 9999 in UTC.") from error


def _line(position: int, line: NewLine) -> StoredLine:
    unit_price = line.unit_price.quantize(CENT)
    return StoredLine(position, line.product_id, line.quantity, unit_price, line.quantity * unit_price)


async def _known(work: Work, new: NewOrder) -> None:
    if await work.users.get(new.user_id) is None:
        raise Problem(422, "unknown-user", f"There is no user {new.user_id}.")
    wanted = {line.product_id for line in new.lines}
    missing = wanted - await work.orders.known_products(sorted(wanted))
    if missing:
        named = ", ".join(str(product_id) for product_id in sorted(missing))
        raise Problem(422, "unknown-product", f"There is no product {named}.")


def _none(order_id: int) -> Problem:
    return Problem(404, "order-not-found", f"There is no order {order_id}.")
