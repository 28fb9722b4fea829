"""Gives the service behind the target a longer service time or less capacity."""

from __future__ import annotations

from collections.abc import Mapping

from harness.faults.fault import Begun, Parameter, Place
from harness.orders import lasting

LABEL = "Slow service"
ON = "service"
LASTS = True
PARAMETERS = {
    "work_ms": Parameter("ms", 200, 0, 60_000, "time that a request takes once it has its turn", whole=False),
    "capacity": Parameter("requests", 4, 1, 10_000, "requests that are worked on at once"),
}


def begin(place: Place, values: Mapping[str, float]) -> Begun:
    """Order it, and restore what was at the end."""
    asked = {"work_ms": float(values["work_ms"]), "capacity": int(values["capacity"])}
    return Begun(*lasting(place.server, asked))
