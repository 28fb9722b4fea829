"""Lets a share of the answers of the service behind the target fail with 503."""

from __future__ import annotations

from collections.abc import Mapping

from harness.faults.fault import Begun, Parameter, Place
from harness.orders import lasting

LABEL = "Failing answers"
ON = "service"
LASTS = True
PARAMETERS = {
    "share": Parameter("of requests", 0.5, 0.0, 1.0, "share of requests that fail, drawn by the seed", whole=False),
    "after_work": Parameter("0 or 1", 1, 0, 1, "1: a failure has done its work first; 0: it comes at once"),
}


def begin(place: Place, values: Mapping[str, float]) -> Begun:
    """Order it, and take the order back at the end."""
    asked = {"fail_share": float(values["share"]), "fail_after_work": bool(values["after_work"])}
    return Begun(*lasting(place.server, asked))
