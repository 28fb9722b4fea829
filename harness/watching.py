"""The watcher of the arms' core, around the load of a block."""

from __future__ import annotations

import json
import subprocess
import sys

from harness.evidence import Watched
from harness.machine import CoreLayout
from harness.meters import watcher


def start(layout: CoreLayout, *, pace: bool) -> subprocess.Popen[bytes] | None:
    """Start the watcher for pauses and pace of the platform, where the arms have a core of their own."""
    if not layout.pinned:
        return None
    return subprocess.Popen(
        [sys.executable, "-I", "-S", watcher.__file__, str(layout.arms[0]), *(["pace"] if pace else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def finish(watch: subprocess.Popen[bytes] | None) -> Watched | None:
    """End the watcher; what it saw, or None where it had no right to watch."""
    if watch is None:
        return None
    printed, _ = watch.communicate(timeout=10)
    if watch.returncode:
        return None
    found = json.loads(printed)
    pauses = tuple((int(at), float(late)) for at, late in found["pauses"])
    pace = tuple((int(at), int(took)) for at, took in found["pace"])
    return Watched(pauses=pauses, pace=pace, cpu_share=found["cpu_share"])
