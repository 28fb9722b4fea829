"""Answer of ``harness plan``: the conditions, blocks and minutes of a session, and what stays untested."""

from __future__ import annotations

from harness.model import Plan
from harness.schemas import _parts


def build() -> _parts.Schema:
    """Build it around the plan as it is hashed into ``run.json``."""
    plan = _parts.of_type(Plan)
    definitions = plan.pop("$defs")
    properties = {
        "plan": plan,
        "wall_s": _parts.maybe(_parts.NUMBER),
        "smallest_visible_effect": _parts.maybe(_parts.NUMBER),
        "untested": _parts.several(
            _parts.record({"number": _parts.COUNT, "id": _parts.TEXT, "reason": _parts.TEXT}, more=True)
        ),
    }
    return {**_parts.document(properties), "$defs": definitions}
