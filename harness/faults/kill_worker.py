"""Kill a worker: SIGKILL to one process that serves, the only one where there is no other."""

from __future__ import annotations

import signal
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
    server = place.server
    chosen = _processes.serving(server)[:1] if server is not None else ()
    if not chosen:
        raise CannotMeasure("No process of the target holds its listening socket.", "Choose a moment when it serves.")
    _processes.signal_all(chosen, signal.SIGKILL)
    return Begun(_processes.wait(chosen, lambda state: state in _processes.GONE, "gone"))
