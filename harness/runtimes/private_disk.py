"""A small disk that one process tree alone sees: memory in a mount name space of its own, which goes with its end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from msgspec import Struct

from harness.errors import CannotMeasure

SCRIPT = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"'
"""The name space is private: nobody else sees the mount, and it ends with the last process in it."""

TRY_S = 5.0
"""Making a name space takes some ms."""

MEND = "Run as root or where user name spaces are allowed (sysctl user.max_user_namespaces), on Linux with util-linux."


class Disk(Struct, frozen=True):
    """A disk that is asked for: where its target sees it, and how large it is."""

    folder: Path
    size_mib: int


def prefix(disk: Disk) -> list[str]:
    """What stands before an argument list whose process shall have the disk for its own."""
    # Without root a user name space, in which the process looks like root, stands in for it.
    space = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    return [*space, "sh", "-c", SCRIPT, "private-disk", f"{disk.size_mib}m", str(disk.folder)]


def require() -> None:
    """Raise CannotMeasure, with what the system says, where there can be no such disk."""
    if shutil.which("unshare") is None:
        raise CannotMeasure("A target cannot have a disk of its own here: there is no unshare.", MEND)
    with tempfile.TemporaryDirectory(prefix="harness-disk-") as name:
        try:
            done = subprocess.run(
                [*prefix(Disk(Path(name), 1)), "true"], capture_output=True, text=True, timeout=TRY_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CannotMeasure(f"A target cannot have a disk of its own here: {error}.", MEND) from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["without a word"])[-1]
        raise CannotMeasure(f"A target cannot have a disk of its own here: {said}.", MEND)
