"""Answer of ``harness selftest``: known truths that were injected, and what the harness reported of them."""

from __future__ import annotations

from harness.schemas import _parts
from harness.schemas._parts import FLAG, NUMBER, TEXT, maybe


def build() -> _parts.Schema:
    """Build it."""
    check = {
        "name": TEXT,
        "injected": maybe(NUMBER),
        "reported": maybe(NUMBER),
        "unit": TEXT,
        "error": maybe(NUMBER),
        "tolerance": maybe(NUMBER),
        "ok": FLAG,
    }
    return _parts.document({"checks": _parts.several(_parts.record(check, more=True)), "ok": FLAG})
