"""Freeze: SIGSTOP to every process of the target, SIGCONT at the fault's end; connections stay open meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from harness.faults import _processes
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Freeze"
ON = "process"
LASTS = True
PARAMETERS: Mapping[str, Parameter] = {}


def begin(place: Place, _: Mapping[str, float]) -> Begun:
    """Stop all, and see them stopped.  Raises CannotMeasure where the target has ended."""
    frozen: set[int] = set()
    # One that was started while the others were stopped is found by the next look.
    while fresh := set(_processes.tree(place)) - frozen:
        _processes.signal_all(place, fresh, signal.SIGSTOP)
        frozen |= fresh
    still = (*_processes.STOPPED, *_processes.GONE)

    def end() -> int:
        _processes.signal_all(place, frozen, signal.SIGCONT)
        return _processes.wait(frozen, lambda state: state not in _processes.STOPPED, "running again")

    try:
        return Begun(_processes.wait(frozen, lambda state: state in still, "stopped"), end)
    except BaseException:
        _processes.signal_all(place, frozen, signal.SIGCONT)
        raise
