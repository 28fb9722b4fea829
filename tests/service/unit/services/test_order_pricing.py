"""Prices of new orders: exact, numbered, and refused where they cannot be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.service.problems import Problem
from targets.service.services.stored_orders import price


@dataclass
class Line:
    """A line as a serializer would give it."""

    product_id: int
    quantity: int
    unit_price: Decimal


@dataclass
class New:
    """An order as a serializer would give it."""

    lines: list[Line]
    user_id: int = 1
    currency: str = "EUR"
    placed_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    note: str | None = None


LINES = st.builds(Line, st.integers(1, 99), st.integers(1, 50), st.decimals("0.01", "999.99", places=2))


@given(lines=st.lists(LINES, min_size=1, max_size=20))
def test_totals_are_the_exact_sums_of_the_lines(lines):
    """Without this an order's total would differ from what its lines say."""
    priced = price(New(lines))
    assert [line.position for line in priced.lines] == list(range(1, len(lines) + 1))
    assert priced.total == sum(line.line_total for line in priced.lines)
    assert [line.line_total for line in priced.lines] == [line.quantity * line.unit_price for line in lines]
    assert priced.pieces == sum(line.quantity for line in lines)


def test_prices_have_two_places():
    """Without this a new order would be answered with 0.1 and read back as 0.10."""
    assert str(price(New([Line(1, 3, Decimal("0.1"))])).total) == "0.30"


def test_a_total_that_the_column_cannot_hold_is_refused():
    """Without this a large order would be a 500 from the database."""
    with pytest.raises(Problem) as caught:
        price(New([Line(1, 10_000, Decimal("9999999.99"))]))
    assert (caught.value.status_code, caught.value.code) == (422, "total-too-large")


def test_moments_are_kept_in_utc_or_refused():
    """Without this times would come back with another offset than they were answered with, or as a 500."""
    east = timezone(timedelta(hours=14))
    assert price(New([], placed_at=datetime(2026, 1, 1, 14, tzinfo=east))).placed_at.utcoffset() == timedelta(0)
    with pytest.raises(Problem) as caught:
        price(New([], placed_at=datetime(1, 1, 1, tzinfo=east)))
    assert caught.value.status_code == 422
