"""Bandwidth: data flow no faster than a rate; a rate of 0 lets nothing flow until the fault ends."""

from __future__ import annotations

from collections.abc import Mapping

from harness.faults import _toxic
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Bandwidth"
ON = "proxy"
LASTS = True
PARAMETERS: Mapping[str, Parameter] = {
    "rate_kb_per_s": Parameter("KB/s", 100.0, 0.0, 1_000_000.0, "rate of each connection; 0: nothing flows"),
    **_toxic.SHARED,
}


def begin(place: Place, values: Mapping[str, float]) -> Begun:
    """Limit what flows from now on.  Raises ToxiproxyError."""
    return _toxic.begin(place, "bandwidth", {"rate": values["rate_kb_per_s"]}, values)
