"""Open files: a process may hold as many connections as a load can open."""

from __future__ import annotations

import resource

from harness.doctor.finding import Finding
from harness.settings import Settings

NEEDED = 10_240
"""A load may hold 8,192 connections; libraries, logs and samples take the rest."""


def check(_: Settings) -> Finding:
    """Read the limits of open files, soft and hard."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= NEEDED:
        return Finding(name="open files", status="ok", sees=f"{_text(soft)} open files allowed")
    within = hard == resource.RLIM_INFINITY or hard >= NEEDED
    return Finding(
        name="open files",
        status="warn",
        sees=f"{_text(soft)} open files allowed: loads with thousands of connections will fail",
        mend=f"ulimit -n {NEEDED}" if within else "Raise the hard limit (limits.conf, --ulimit nofile).",
    )


def _text(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else str(limit)
