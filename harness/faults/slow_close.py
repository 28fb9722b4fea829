"""Slow close: data flow, and the end of a connection arrives later."""

from __future__ import annotations

from collections.abc import Mapping

from harness.faults import _toxic
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Slow close"
ON = "proxy"
LASTS = True
PARAMETERS: Mapping[str, Parameter] = {
    "delay_ms": Parameter("ms", 1_000.0, 0.0, 60_000.0, "delay of the end"),
    **_toxic.SHARED,
}


def begin(place: Place, values: Mapping[str, float]) -> Begun:
    """Hold back ends from now on.  Raises ToxiproxyError."""
    return _toxic.begin(place, "slow_close", {"delay": values["delay_ms"]}, values)
