"""Disk: room for the samples of a session."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.doctor.finding import Finding
from harness.settings import Settings

WARN_BYTES = 2 << 30
"""A long session keeps a few hundred MB of samples, and its logs come on top."""

FAIL_BYTES = 200 << 20
"""Below this even a short session may fill the disk, and servers that cannot log behave oddly."""


def check(settings: Settings) -> Finding:
    """Look at the free space where runs are kept."""
    folder = _existing(settings.results)
    free = shutil.disk_usage(folder).free
    sees = f"{free / (1 << 30):.1f} GiB free in {folder}"
    mend = "Free some space, or send runs elsewhere with --results."
    if free < FAIL_BYTES:
        return Finding(name="disk", status="fail", sees=sees, mend=mend)
    if free < WARN_BYTES:
        return Finding(name="disk", status="warn", sees=sees, mend=mend)
    return Finding(name="disk", status="ok", sees=sees)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
