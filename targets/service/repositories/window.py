"""Which rows of a list are asked for: a place in an order, a direction, a number of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in the order of (placed_at, id)."""

    placed_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Number:
    """A place in the order of ids."""

    id: int


@dataclass(frozen=True, slots=True)
class Window:
    """Up to ``limit`` rows after ``start``, or right before it if ``backward``, in ascending order.

    Without a start the rows begin with the first by (placed_at, id), ``offset`` rows left out.
    """

    limit: int
    start: Moment | Number | None = None
    backward: bool = False
    offset: int = 0
    user_id: int | None = None
