"""Rows of orders and lines put together: what an ORM does, by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from targets.service.repositories.records import StoredLine, StoredOrder, User

ORDER_WIDTH = 8
"""Columns of an order: id, user, status, currency, total, pieces, time, note."""
LINE_WIDTH = 5
"""Columns of a line: position, product, quantity, price, total."""

Row = Sequence[Any]


def order_of(row: Row) -> StoredOrder:
    """Give the order of a row that begins with one."""
    return StoredOrder(*row[:ORDER_WIDTH])


def with_lines(orders: Iterable[StoredOrder], rows: Iterable[Row]) -> list[StoredOrder]:
    """Give each order its lines; rows are an order's id and a line, sorted by position."""
    by_order: dict[int, list[StoredLine]] = {}
    for row in rows:
        by_order.setdefault(row[0], []).append(StoredLine(*row[1 : 1 + LINE_WIDTH]))
    return [replace(order, lines=tuple(by_order.get(order.id, ()))) for order in orders]


def from_join(rows: Iterable[Row]) -> list[StoredOrder]:
    """Fold rows of order and line (all None where an order has none) into orders, in order of appearance."""
    orders: dict[int, StoredOrder] = {}
    lines: dict[int, list[StoredLine]] = {}
    for row in rows:
        number = row[0]
        if number not in orders:
            orders[number], lines[number] = order_of(row), []
        if row[ORDER_WIDTH] is not None:
            lines[number].append(StoredLine(*row[ORDER_WIDTH : ORDER_WIDTH + LINE_WIDTH]))
    return [replace(order, lines=tuple(lines[number])) for number, order in orders.items()]


def from_whole_join(rows: Sequence[Row]) -> StoredOrder | None:
    """Fold rows of one order, a line and its user."""
    folded = from_join(rows)
    return replace(folded[0], user=User(*rows[0][ORDER_WIDTH + LINE_WIDTH :])) if folded else None
