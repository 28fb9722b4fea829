"""CPU hog: processes that only burn CPU time run beside the target, on its cores."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from harness import processes
from harness.errors import CannotMeasure
from harness.faults.fault import Begun, Parameter, Place

LABEL = "CPU hog"
ON = "process"
LASTS = True
PARAMETERS: Mapping[str, Parameter] = {
    "processes": Parameter("processes", 1.0, 1.0, 64.0, "how many burn"),
    "limit_s": Parameter("s", 60.0, 1.0, 600.0, "after so long they end by themselves"),
}

BURN = "import sys, time\nend = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < end: pass"


def begin(place: Place, values: Mapping[str, float]) -> Begun:
    """Start them under the session's label: they go with it, too.  Raises CannotMeasure where they end early."""
    burning = [
        processes.start(
            [sys.executable, "-I", "-S", "-c", BURN, f"{values['limit_s']:g}"],
            session=place.session,
            environment={},
            log=Path(os.devnull),
            cores=place.cores,
        )
        for _ in range(int(values["processes"]))
    ]
    acknowledged_ns = time.monotonic_ns()

    def end() -> int:
        gone = [one for one in burning if one.poll() is not None]
        processes.stop(burning)
        if gone:
            raise CannotMeasure(f"{len(gone)} burners ended before the fault did.", "Raise limit_s.")
        return time.monotonic_ns()

    return Begun(acknowledged_ns, end)
