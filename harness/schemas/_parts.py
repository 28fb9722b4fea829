"""Pieces that several schemas share."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from harness.model import SCHEMA, Regime, VerdictWord

Schema = dict[str, Any]

NUMBER: Schema = {"type": "number"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}


def record(properties: Schema, *, optional: tuple[str, ...] = (), more: bool = False) -> Schema:
    """Object with these properties, all required but the ``optional`` ones."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": more,
    }


def several(items: Schema) -> Schema:
    """List of ``items``."""
    return {"type": "array", "items": items}


def mapping(values: Schema) -> Schema:
    """Object whose keys are names and whose values are ``values``."""
    return {"type": "object", "additionalProperties": values}


def maybe(schema: Schema) -> Schema:
    """Allow null beside ``schema``: what is missing is null, never zero."""
    return {"anyOf": [schema, {"type": "null"}]}


def words(*allowed: str) -> Schema:
    """One of some words."""
    return {"enum": list(allowed)}


def document(properties: Schema, *, optional: tuple[str, ...] = ()) -> Schema:
    """Object as ``record``, with the stamp of a document; newer minor fields may stand beside it."""
    stamp: Schema = {"schema": {"const": SCHEMA}, "kind": TEXT, "harness_version": TEXT}
    return record({**stamp, **properties}, optional=("kind", "harness_version", *optional), more=True)


def of_type(kind: Any) -> Schema:
    """Describe frozen data as msgspec sees it; its definitions stand in ``$defs``."""
    return dict(msgspec.json.schema(kind))


def verdict_words() -> Schema:
    """Every word that a verdict may be."""
    return words(*get_args(VerdictWord))


def latency() -> Schema:
    """Latencies of one arm in ms; null with fewer than ten samples beyond."""
    return record({name: maybe(NUMBER) for name in ("p50_ms", "p95_ms", "p99_ms", "max_ms")}, more=True)


def latencies() -> Schema:
    """Latencies of both arms; null where no arm's latency can be told."""
    return maybe(record({"baseline": maybe(latency()), "candidate": maybe(latency())}, more=True))


def arm() -> Schema:
    """One arm of a comparison: its target as it is written, and its figure."""
    return record({"label": TEXT, "value": maybe(NUMBER)}, more=True)


def blocks() -> Schema:
    """How many blocks count, how many are void, and why."""
    return record({"valid": COUNT, "invalid": COUNT, "reasons": {}}, more=True)


def behind() -> Schema:
    """CPU of the database and cache per request of each arm; null where nothing stands behind the arms."""
    figure = maybe(record(dict.fromkeys(("value", "low", "high", "confidence"), NUMBER)))
    return maybe(
        record(
            {
                "metric": TEXT,
                "grain": maybe(TEXT),
                "baseline": figure,
                "candidate": figure,
                "ratio": figure,
                "n": COUNT,
                "why_not": maybe(TEXT),
            },
            more=True,
        )
    )


def regime() -> Schema:
    """One regime of a duel: its load, its ratio and the grains that measured it."""
    return record(
        {
            "name": words(*get_args(Regime)),
            "rate_rps": maybe(NUMBER),
            "users": maybe(COUNT),
            "arrivals": maybe(TEXT),
            "utilisation": maybe(NUMBER),
            "grains": {"type": "object"},
            "grain_spread": maybe(NUMBER),
            "ratio": maybe(NUMBER),
            "low": maybe(NUMBER),
            "high": maybe(NUMBER),
            "latency": latencies(),
            "behind": behind(),
        },
        # Runs from before it was told lack it.
        optional=("behind",),
        more=True,
    )
