"""Timeout: connections open and take data, and nothing of it arrives; the fault's end closes them."""

from __future__ import annotations

from collections.abc import Mapping

from harness.faults import _toxic
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Timeout"
ON = "proxy"
LASTS = True
PARAMETERS: Mapping[str, Parameter] = {
    "timeout_ms": Parameter("ms", 0.0, 0.0, 600_000.0, "connections close after so long in silence; 0: they stay open"),
    **_toxic.SHARED,
}


def begin(place: Place, values: Mapping[str, float]) -> Begun:
    """Swallow what flows from now on.  Raises ToxiproxyError."""
    return _toxic.begin(place, "timeout", {"timeout": values["timeout_ms"]}, values)
