"""Latency: every piece of data arrives later; opening a connection does not."""

from __future__ import annotations

from collections.abc import Mapping

from harness.faults import _toxic
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Latency"
ON = "proxy"
LASTS = True
PARAMETERS: Mapping[str, Parameter] = {
    "delay_ms": Parameter("ms", 100.0, 0.0, 60_000.0, "delay of each piece of data"),
    "jitter_ms": Parameter("ms", 0.0, 0.0, 60_000.0, "evenly more or less than that"),
    **_toxic.SHARED,
}


def begin(place: Place, values: Mapping[str, float]) -> Begun:
    """Delay what flows from now on.  Raises ToxiproxyError."""
    return _toxic.begin(place, "latency", {"latency": values["delay_ms"], "jitter": values["jitter_ms"]}, values)


def wrong(values: Mapping[str, float]) -> str | None:
    """A jitter beyond the delay would be cut off at no delay, and the mean would not be the delay."""
    return "jitter_ms is larger than delay_ms" if values["jitter_ms"] > values["delay_ms"] else None
