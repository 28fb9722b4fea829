"""Limit: a connection closes once so many bytes have passed; bytes before the fault do not count."""

from __future__ import annotations

from collections.abc import Mapping

from harness.faults import _toxic
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Limit of data"
ON = "proxy"
LASTS = True
PARAMETERS: Mapping[str, Parameter] = {
    "bytes": Parameter("bytes", 1_000.0, 0.0, 1_000_000_000.0, "how many pass on each connection"),
    **_toxic.SHARED,
}


def begin(place: Place, values: Mapping[str, float]) -> Begun:
    """Count what flows from now on.  Raises ToxiproxyError."""
    return _toxic.begin(place, "limit_data", {"bytes": values["bytes"]}, values)
