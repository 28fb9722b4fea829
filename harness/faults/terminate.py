"""Terminate: SIGTERM to the target's first process, as an orchestrator sends it."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from harness.faults import _processes
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Terminate"
ON = "process"
LASTS = False
PARAMETERS: Mapping[str, Parameter] = {}


def begin(place: Place, _: Mapping[str, float]) -> Begun:
    """Send it; what the target makes of it is its own.  Raises CannotMeasure where the target has ended."""
    return Begun(_processes.signal_all(place, _processes.tree(place)[:1], signal.SIGTERM))
