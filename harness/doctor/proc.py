"""Processes and sockets: visible enough in /proc to tell who answers on a port."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.doctor.finding import Finding
from harness.settings import Settings

_PROC = Path("/proc")


def check(_: Settings) -> Finding:
    """Look for other processes and for the tables that say who listens."""
    if sys.platform != "linux":
        return Finding(name="proc", status="warn", sees="no /proc here: nobody can tell who answers on a port")
    missing = [name for name in ("net/tcp", "self/fd", "self/stat", "stat") if not (_PROC / name).exists()]
    if missing:
        return Finding(
            name="proc",
            status="fail",
            sees=f"/proc/{missing[0]} is not there: who answers on a port cannot be verified",
            mend="Mount a full /proc in this container.",
        )
    if not (_PROC / "1/stat").exists():
        return Finding(
            name="proc",
            status="warn",
            sees="/proc hides the processes of other users (hidepid): foreign load has no name",
            mend="Mount /proc without hidepid, or measure as root.",
        )
    return Finding(name="proc", status="ok", sees="processes and sockets are visible")
