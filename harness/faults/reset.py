"""Reset: connections that send are reset (RST); those older than the fault are closed (FIN)."""

from __future__ import annotations

from collections.abc import Mapping

from harness.faults import _toxic
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Reset"
ON = "proxy"
LASTS = True
PARAMETERS: Mapping[str, Parameter] = {
    # Toxiproxy's API is deaf for so long when the toxic is removed: its calls are bounded to 3 s.
    "timeout_ms": Parameter("ms", 0.0, 0.0, 1_000.0, "how long after the first data"),
    **_toxic.SHARED,
}


def begin(place: Place, values: Mapping[str, float]) -> Begun:
    """Reset what speaks from now on.  Raises ToxiproxyError."""
    return _toxic.begin(place, "reset_peer", {"timeout": values["timeout_ms"]}, values)
