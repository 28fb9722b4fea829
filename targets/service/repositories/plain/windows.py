"""Windows as SQL texts and their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from targets.service.repositories.window import Moment, Number, Window

Beyond = Callable[[Moment, str, int], tuple[str, tuple[Any, ...]]]
"""A condition for what stands beyond a place: the place, > or <, the number of its first parameter."""


def by_time_and_id(place: Moment, sign: str, first: int) -> tuple[str, tuple[Any, ...]]:
    """Compare both columns as one value: a range of the index."""
    text = f"(placed_at, id) {sign} (${first}::timestamptz, ${first + 1}::bigint)"
    return text, (place.placed_at, place.id)


def by_time(place: Moment, sign: str, first: int) -> tuple[str, tuple[Any, ...]]:
    """Compare the time alone: rows that share it with the place are lost."""
    return f"placed_at {sign} ${first}::timestamptz", (place.placed_at,)


BEYOND: Mapping[str, Beyond] = {"composite": by_time_and_id, "timestamp": by_time}


def keys_of(window: Window) -> str:
    """Give what the window's rows are sorted by, in its direction."""
    keys = ("id",) if isinstance(window.start, Number) else ("placed_at", "id")
    return ", ".join(f"{key} desc" if window.backward else key for key in keys)


def windowed(columns: str, window: Window, beyond: Beyond) -> tuple[str, list[Any]]:
    """Select columns of the window's orders."""
    text = f"select {columns} from orders where deleted_at is null"  # noqa: S608  (columns are constants of ours)
    values: list[Any] = []
    sign = "<" if window.backward else ">"
    if window.user_id is not None:
        values.append(window.user_id)
        text += f" and user_id = ${len(values)}::bigint"
    if isinstance(window.start, Number):
        values.append(window.start.id)
        text += f" and id {sign} ${len(values)}::bigint"
    elif window.start is not None:
        condition, more = beyond(window.start, sign, len(values) + 1)
        values += more
        text += f" and {condition}"
    values.append(window.limit)
    text += f" order by {keys_of(window)} limit ${len(values)}::bigint"
    if window.offset:
        values.append(window.offset)
        text += f" offset ${len(values)}::bigint"
    return text, values
