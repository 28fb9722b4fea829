"""Answer of ``harness run``: a verdict on each claim, with the estimates behind it."""

from __future__ import annotations

from harness.model import Estimate
from harness.schemas import _parts
from harness.schemas._parts import COUNT, TEXT, maybe


def build() -> _parts.Schema:
    """Build it around the estimates as they are stored."""
    estimate = _parts.of_type(Estimate)
    claim = {
        "number": COUNT,
        "id": TEXT,
        "section": TEXT,
        "statement": TEXT,
        "verdict": _parts.verdict_words(),
        "sentence": TEXT,
        "estimates": _parts.several({"$ref": "#/$defs/Estimate"}),
        "reason": maybe(TEXT),
        "rerun": maybe(TEXT),
        "conditions": _parts.several(_parts.record({"name": TEXT, "verdict": TEXT, "sentence": TEXT})),
    }
    properties = {
        "run": maybe(TEXT),
        "claims": _parts.several(_parts.record(claim, optional=("conditions",), more=True)),
    }
    return {**_parts.document(properties), "$defs": estimate["$defs"]}
