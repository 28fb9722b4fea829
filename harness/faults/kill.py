"""Kill: SIGKILL to every process of the target at once."""

from __future__ import annotations

from collections.abc import Mapping

from harness.faults import _processes
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Kill"
ON = "process"
LASTS = False
PARAMETERS: Mapping[str, Parameter] = {}


def begin(place: Place, _: Mapping[str, float]) -> Begun:
    """Kill the first process with its group, then whoever has left it, and see all of them gone.

    Raises CannotMeasure.
    """
    return Begun(_processes.kill(place, _processes.tree(place), group=True))
