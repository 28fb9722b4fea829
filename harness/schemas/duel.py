"""Answer of ``harness duel``: which of two arms costs less, by how much, with the interval."""

from __future__ import annotations

from harness.schemas import _parts
from harness.schemas._parts import NUMBER, TEXT, maybe


def build() -> _parts.Schema:
    """Build it; the figures on top are those of the first regime."""
    properties = {
        "metric": TEXT,
        "baseline": _parts.arm(),
        "candidate": _parts.arm(),
        "ratio": maybe(NUMBER),
        "low": maybe(NUMBER),
        "high": maybe(NUMBER),
        "confidence": NUMBER,
        "noise_floor": maybe(NUMBER),
        "blocks": _parts.blocks(),
        "latency": _parts.latencies(),
        "verdict": _parts.words("cheaper", "dearer", "no difference", "inconclusive"),
        "sentence": TEXT,
        "regimes": _parts.several(_parts.regime()),
        "run": TEXT,
    }
    return _parts.document(properties)
