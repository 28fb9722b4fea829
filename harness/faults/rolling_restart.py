"""Rolling restart: SIGHUP to the target's first process; servers that know it replace their workers."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from harness.faults import _processes
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Rolling restart"
ON = "process"
LASTS = False
PARAMETERS: Mapping[str, Parameter] = {}


def begin(place: Place, _: Mapping[str, float]) -> Begun:
    """Send it; a server that does not know it ends.  Raises CannotMeasure where the target has ended."""
    return Begun(_processes.signal_all(place, _processes.tree(place)[:1], signal.SIGHUP))
