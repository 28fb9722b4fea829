"""The small process that ends everything of a session when the harness goes, however it goes.

It holds the reading end of a pipe whose writing end lives in the harness alone.  End of file means
that the harness is gone: every process that carries the session's label in its environment is
terminated, then killed.  The label is inherited, so that workers, respawned workers and processes
that made a session of their own are found as well.

Standard library only, and started by path: it must be up before anything else is.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

LABEL = "HARNESS_SESSION"
"""Environment variable that marks every process of a session: ``<session id>``."""

GRACE_S = 0.7
"""How long a process may take to end by itself; the promise is that all is gone within 3 s."""

SWEEPS = 12
"""A dying parent may still start a child: look again until two looks in a row find nothing."""


def labelled(session: str | None) -> list[int]:
    """Process ids that carry the label (of one session, or of any when ``session`` is None)."""
    wanted = f"{LABEL}={session}\0".encode() if session else f"{LABEL}=".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = b"\0" + (entry / "environ").read_bytes() + b"\0"
        except OSError:
            continue  # Gone meanwhile, or somebody else's.
        if b"\0" + wanted in environment and not _is_zombie(entry):
            found.append(int(entry.name))
    return found


def _is_zombie(entry: Path) -> bool:
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return True


def _send(pids: list[int], signal_number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal_number)
        except (ProcessLookupError, PermissionError):
            continue


def end_all(session: str | None) -> int:
    """Terminate, then kill, what carries the label; returns how many processes that were."""
    pids = labelled(session)
    ended = len(pids)
    # A frozen process (SIGSTOP) takes no SIGTERM until it goes on.
    _send(pids, signal.SIGTERM)
    _send(pids, signal.SIGCONT)
    deadline = time.monotonic() + GRACE_S
    while pids and time.monotonic() < deadline:
        time.sleep(0.05)
        pids = labelled(session)
    for _ in range(SWEEPS):
        _send(pids, signal.SIGKILL)
        time.sleep(0.05)
        pids = labelled(session)
        if not pids:
            break
    return ended


def main() -> None:
    """Wait for the end of the pipe on standard input, then end the session named in argv[1]."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    end_all(sys.argv[1])


if __name__ == "__main__":
    main()
