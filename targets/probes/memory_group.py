"""A memory limit of the kernel, as a container engine sets it: a control group of version 1 or 2, for a probe's time.

Where the process may not write to the control groups (mostly: it is not root) there is none, and ``impossible`` says
why.  Groups are made at the top of what is mounted: inside a container that is the container's own group.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/sys/fs/cgroup")
EMPTY_S = 5.0
"""Ended processes leave their group a moment later."""


class Group(NamedTuple):
    """A group that is limited; version 1 or 2 decides how its files are called."""

    folder: Path
    version: int

    def command(self, argv: Sequence[str]) -> list[str]:
        """Give the argument list that starts a command inside."""
        return ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.folder / "cgroup.procs"), *argv]

    def kills(self) -> int:
        """How many of its processes the kernel has killed for want of memory."""
        file = "memory.oom_control" if self.version == 1 else "memory.events"
        fields = dict(line.split() for line in (self.folder / file).read_text().splitlines())
        return int(fields["oom_kill"])

    def peak_bytes(self) -> int | None:
        """Most that was ever charged, page cache included; None where the kernel does not say (before 5.19)."""
        file = self.folder / ("memory.max_usage_in_bytes" if self.version == 1 else "memory.peak")
        return int(file.read_text()) if file.exists() else None


def impossible() -> str | None:
    """Say why no limit can be set here, without a full stop; None where it can."""
    try:
        with limited("try", 1 << 28):
            return None
    except OSError as error:
        return f"no memory limit can be set here: {error.strerror} ({error.filename})"


@contextlib.contextmanager
def limited(name: str, limit_bytes: int) -> Iterator[Group]:
    """Make a group with this limit, swap included where the kernel counts it; it is removed with the block.

    OSError where this may not be done here.
    """
    first = (ROOT / "memory").is_dir()
    folder = (ROOT / "memory" if first else ROOT) / f"startup-probe-{os.getpid()}-{name}"
    folder.mkdir()
    try:
        # Without the controller the folder of version 2 has no such file, and the open fails.
        _write(folder / ("memory.limit_in_bytes" if first else "memory.max"), limit_bytes)
        swap = folder / ("memory.memsw.limit_in_bytes" if first else "memory.swap.max")
        if swap.exists():
            _write(swap, limit_bytes if first else 0)
        yield Group(folder, 1 if first else 2)
    finally:
        _remove(folder)


def _write(file: Path, value: int) -> None:
    # Opened without creating it: the kernel makes these files, nobody else.
    with file.open("r+") as opened:
        opened.write(str(value))


def _remove(folder: Path) -> None:
    """Remove the group once it is empty; OSError where it does not get empty."""
    deadline_s = time.monotonic() + EMPTY_S
    while True:
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.02)
        else:
            return
