"""How many orders the planner expects: its statistics as EXPLAIN tells them, without reading a row."""

from __future__ import annotations

import json
from typing import Any

_EXPLAIN = "explain (format json) select from orders where deleted_at is null"


def explain(user_id: int | None) -> str:
    """Give the statement; the number stands in its text, since EXPLAIN takes no parameters everywhere."""
    return _EXPLAIN if user_id is None else f"{_EXPLAIN} and user_id = {user_id:d}"


def rows_of(plan: Any) -> int:
    """Read the rows of the plan's root; drivers give the document as text or parsed."""
    document = json.loads(plan) if isinstance(plan, str) else plan
    return int(document[0]["Plan"]["Plan Rows"])
