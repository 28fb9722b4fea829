"""Kill a worker: SIGKILL to one process that serves, the only one where there is no other."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import CannotMeasure
from harness.faults import _processes
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Kill a worker"
ON = "process"
LASTS = False
PARAMETERS: Mapping[str, Parameter] = {}


def begin(place: Place, _: Mapping[str, float]) -> Begun:
    """Kill one that holds the listening socket, and see it gone.  Raises CannotMeasure where nobody serves."""
    _processes.tree(place)
    chosen = _processes.serving(_processes.owner(place))[:1]
    if not chosen:
        raise CannotMeasure("No process of the target holds its listening socket.", "Choose a moment when it serves.")
    return Begun(_processes.kill(place, chosen))
