"""Kill: SIGKILL to every process of the target at once."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping

from harness.faults import _processes
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Kill"
ON = "process"
LASTS = False
PARAMETERS: Mapping[str, Parameter] = {}


def begin(place: Place, _: Mapping[str, float]) -> Begun:
    """Kill the group, then whoever has left it, and see all of them gone.  Raises CannotMeasure."""
    pids = _processes.tree(place)
    # One call for the group: a supervisor could start a worker between two.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pids[0], signal.SIGKILL)
    _processes.signal_all(pids, signal.SIGKILL)
    return Begun(_processes.wait(pids, lambda state: state in _processes.GONE, "gone"))
