"""Answer of ``harness gate``: whether the head costs more than the base, metric by metric."""

from __future__ import annotations

from harness.schemas import _parts
from harness.schemas._parts import FLAG, NUMBER, TEXT, maybe


def build() -> _parts.Schema:
    """Build it; metrics that do not decide are shown all the same."""
    metric = {
        "name": TEXT,
        "decides": FLAG,
        "ratio": maybe(NUMBER),
        "low": maybe(NUMBER),
        "high": maybe(NUMBER),
        "result": _parts.words("regression", "pass", "inconclusive"),
    }
    properties = {
        "base": _parts.arm(),
        "head": _parts.arm(),
        "margin": NUMBER,
        "metrics": _parts.several(_parts.record(metric, more=True)),
        "blocks": _parts.blocks(),
        "result": _parts.words("regression", "pass", "inconclusive"),
        "sentence": TEXT,
        "run": TEXT,
    }
    return _parts.document(properties)
