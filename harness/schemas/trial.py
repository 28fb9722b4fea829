"""The trial file: what ``LOAD_TRIAL`` names in the environment of Locust."""

from __future__ import annotations

from typing import get_args

from harness.model import SCHEMA, Grain
from harness.schemas import _parts
from harness.schemas._parts import COUNT, NUMBER, TEXT, maybe, record


def build() -> _parts.Schema:
    """Build it; a scenario needs no more than this file to run without the harness."""
    arm = record({"name": TEXT, "url": TEXT, "instance": COUNT}, optional=("instance",), more=True)
    load = record(
        {
            "model": _parts.words("open", "closed"),
            "rate_rps": maybe(NUMBER),
            "users": maybe(COUNT),
            "arrivals": _parts.words("poisson", "constant"),
            "connections_max": COUNT,
            "warmup_s": NUMBER,
            "measure_s": NUMBER,
        },
        optional=("rate_rps", "users", "arrivals", "connections_max"),
        more=True,
    )
    properties = {
        "schema": {"const": SCHEMA},
        "seed": {"type": "integer"},
        "output": TEXT,
        "grain": _parts.words(*get_args(Grain)),
        "slice_s": NUMBER,
        "arms": {**_parts.several(arm), "minItems": 1},
        "load": load,
        "expect": _parts.several({"type": "integer", "minimum": 100, "maximum": 599}),
        "parameters": {"type": "object"},
        "workers": {"type": "integer", "minimum": 1},
        "switches": {},
    }
    return record(properties, optional=("expect", "parameters", "workers", "switches"), more=True)
