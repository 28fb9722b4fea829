"""The small process that ends everything of a session when the harness goes, however it goes.

It holds the reading end of a pipe whose writing end lives in the harness alone.  End of file means
that the harness is gone: every process that carries the session's label in its environment is
terminated, then killed.  The label is inherited, so that workers, respawned workers and processes
that made a session of their own are found as well, and so are those of its containers, which are then removed.
Temporary folders of the session go last.

Standard library only, and started by path: it must be up before anything else is.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONTAINERS = "service-harness.session"
"""Label of every container of a session, with the session's own as its value."""

PROBES = "service-harness.probe"
"""Label of what a probe makes with an engine, with the probe's process id as its value; the probe removes it itself
unless it is killed."""

LOOKS = 3
"""A request that the harness had sent may still make a container: look again until there is none."""

ENGINE_S = 8.0
"""What the engine may take to list or to remove, which takes some tenths of a second on a calm machine.  The processes
have ended by then: late is better than left."""

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


def send(pids: list[int], signal_number: int) -> None:
    """Signal those that are still there and ours."""
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
    send(pids, signal.SIGTERM)
    send(pids, signal.SIGCONT)
    deadline = time.monotonic() + GRACE_S
    while pids and time.monotonic() < deadline:
        time.sleep(0.05)
        pids = labelled(session)
    for _ in range(SWEEPS):
        send(pids, signal.SIGKILL)
        time.sleep(0.05)
        pids = labelled(session)
        if not pids:
            break
    return ended


def temporary(session: str) -> str:
    """What the names of a session's temporary folders begin with."""
    return f"harness-{session}-"


def clear_folders(session: str) -> None:
    """Remove the temporary folders that a killed harness could not."""
    for place in Path(tempfile.gettempdir()).glob(f"{temporary(session)}*"):
        shutil.rmtree(place, ignore_errors=True)


def clear_containers(label: str) -> int:
    """Remove the containers with the label (``name`` or ``name=value``), and nothing else; returns how many.

    Through the command line: the engine's SDK is no part of the standard library.
    """
    found = _docker("ps", "--all", "--quiet", "--no-trunc", "--filter", f"label={label}").split()
    if found:
        _docker("rm", "--force", "--volumes", *found)
    return len(found)


def clear_images(label: str) -> int:
    """Remove the images with the label, and nothing else; returns how many."""
    found = sorted(set(_docker("image", "ls", "--quiet", "--no-trunc", "--filter", f"label={label}").split()))
    if found:
        _docker("image", "rm", "--force", *found)
    return len(found)


def _docker(*words: str) -> str:
    """What the docker command says; nothing where there is none, or no engine that answers in time."""
    try:
        done = subprocess.run(
            ["docker", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ENGINE_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def main() -> None:
    """Wait for the end of the pipe on standard input, then end the session named in argv[1].

    With ``containers`` in argv[2] its containers, too.
    """
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    end_all(sys.argv[1])
    for _ in range(LOOKS if sys.argv[2:] == ["containers"] else 0):
        if not clear_containers(f"{CONTAINERS}={sys.argv[1]}"):
            break
    clear_folders(sys.argv[1])


if __name__ == "__main__":
    main()
