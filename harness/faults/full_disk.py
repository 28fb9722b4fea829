"""Full disk: nothing more can be written to the target's own disk, a small one that nobody else sees."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Mapping
from pathlib import Path

from harness.errors import CannotMeasure
from harness.faults import _processes
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Full disk"
ON = "disk"
LASTS = True
PARAMETERS: Mapping[str, Parameter] = {
    "left_kb": Parameter("KB", 0.0, 0.0, 1_000_000.0, "what is left free"),
}

NAME = ".harness-full"
PIECE = 4096
"""A page: memory is given in these."""


def begin(place: Place, values: Mapping[str, float]) -> Begun:
    """Write until nothing more goes in; the end removes it.  Raises CannotMeasure where the disk is not private."""
    inner = inside(place)
    blocker = inner / NAME
    try:
        _fill(blocker)
        os.truncate(blocker, max(0, blocker.stat().st_size - int(values["left_kb"]) * 1024))
    except BaseException:
        blocker.unlink(missing_ok=True)
        raise
    acknowledged_ns = time.monotonic_ns()

    def end() -> int:
        # With its last process the disk is gone, and what was on it.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            blocker.unlink()
        return time.monotonic_ns()

    return Begun(acknowledged_ns, end)


def inside(place: Place) -> Path:
    """The disk as the target sees it.  Raises CannotMeasure where that is a folder of everybody's."""
    if place.disk is None:
        raise ValueError("there is no disk here")
    inner = Path(f"/proc/{_processes.tree(place)[0]}/root") / place.disk.relative_to("/")
    if inner.stat().st_dev == place.disk.stat().st_dev:
        raise CannotMeasure("The target's disk is not its own: it would be everybody's that is filled.", "Report it.")
    return inner


def _fill(blocker: Path) -> None:
    with blocker.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * PIECE)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
