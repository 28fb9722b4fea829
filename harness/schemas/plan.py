"""Answer of ``harness plan``: what a session would measure, how long it would take, and what stays untested."""

from __future__ import annotations

from harness.schemas import _parts

_CELL: _parts.Schema = {
    "condition": _parts.TEXT,
    "grain": _parts.TEXT,
    "blocks": _parts.COUNT,
    "rate_rps": _parts.maybe(_parts.NUMBER),
    "users": _parts.maybe(_parts.COUNT),
    "smallest_effect": _parts.maybe(_parts.NUMBER),
}


def build() -> _parts.Schema:
    """Build it: rows by what is done, each with its time in s."""
    return _parts.document(
        {
            "cells": _rows(_CELL),
            "crashes": _rows({"condition": _parts.TEXT, "crashes": _parts.COUNT}),
            "sweeps": _rows({"grid": _parts.TEXT, "cells": _parts.COUNT, "blocks": _parts.COUNT}),
            "courses": _rows({"course": _parts.TEXT, "subjects": _parts.COUNT, "rounds": _parts.COUNT}),
            "probes": _rows({"probe": _parts.TEXT, "conditions": _parts.COUNT}),
            "looks": _parts.several(_parts.COUNT),
            "wall_s": _parts.NUMBER,
            "pinned": _parts.FLAG,
            "reason": _parts.maybe(_parts.TEXT),
            "load_workers": _parts.COUNT,
            "crowded": _parts.maybe(_parts.TEXT),
            "untested": _parts.several(_parts.TEXT),
        }
    )


def _rows(properties: _parts.Schema) -> _parts.Schema:
    return _parts.several(_parts.record({**properties, "wall_s": _parts.NUMBER}, more=True))
