"""Slicer: data arrive in small pieces, with a pause after each."""

from __future__ import annotations

from collections.abc import Mapping

from harness.faults import _toxic
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Slicer"
ON = "proxy"
LASTS = True
PARAMETERS: Mapping[str, Parameter] = {
    "average_bytes": Parameter("bytes", 64.0, 1.0, 1_000_000.0, "size of a piece"),
    "variation_bytes": Parameter("bytes", 0.0, 0.0, 999_999.0, "so much more or less"),
    "delay_us": Parameter("µs", 100.0, 0.0, 1_000_000.0, "pause after each piece"),
    **_toxic.SHARED,
}


def begin(place: Place, values: Mapping[str, float]) -> Begun:
    """Slice what flows from now on.  Raises ToxiproxyError."""
    attributes = {
        "average_size": values["average_bytes"],
        "size_variation": values["variation_bytes"],
        "delay": values["delay_us"],
    }
    return _toxic.begin(place, "slicer", attributes, values)


def wrong(values: Mapping[str, float]) -> str | None:
    """A piece of no or of negative size ends Toxiproxy."""
    if values["variation_bytes"] < values["average_bytes"]:
        return None
    return "variation_bytes is not smaller than average_bytes"
