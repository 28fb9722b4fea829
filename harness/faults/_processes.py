"""What the faults of processes share: who is struck, signals, and proof that they have worked."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import listeners
from harness.errors import CannotMeasure
from harness.faults.fault import Place
from harness.runtimes.runtime import Server

PROOF_S = 3.0
"""A signal is delivered in well under a ms; a process that the disk holds takes longer."""

GONE = (None, "Z", "X")
STOPPED = ("T", "t")


def tree(place: Place) -> tuple[int, ...]:
    """The living processes of the place, the first one first.  Raises CannotMeasure where it has ended."""
    server = owner(place)
    pids = server.pids()
    if not pids or state(pids[0]) in GONE:
        raise CannotMeasure(f"{server.name} had ended before the fault.", f"See {server.name}.log of the trial.")
    return pids


def owner(place: Place) -> Server:
    """What the harness has started at the place."""
    if place.server is None:
        raise ValueError("there is no process here")
    return place.server


def serving(server: Server) -> tuple[int, ...]:
    """Processes that serve: the children that hold the listening socket, else the process itself."""
    inodes = listeners.listening_inodes(server.port)
    pids = server.pids()
    holding = [pid for pid in pids if listeners.owned_inodes((pid,)) & inodes]
    return tuple([pid for pid in holding if pid != pids[0]] or holding)


def living(pids: Collection[int]) -> tuple[int, ...]:
    """Those of them that have not ended."""
    return tuple(pid for pid in pids if state(pid) not in GONE)


def signal_all(place: Place, pids: Collection[int], number: int) -> int:
    """Send a signal to each that still is; gives the moment after the last."""
    server = owner(place)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            server.signal(pid, number)
    return time.monotonic_ns()


def kill(place: Place, pids: Sequence[int], *, group: bool = False) -> int:
    """Kill each that still is, and see all of them gone; gives the moment.  Raises CannotMeasure.

    ``group``: with the first one its whole group.  The engine of a container answers long after its end: who waited
    for that would see the end too late.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        sent = pool.submit(_kill, place, pids, group=group)
        try:
            return wait(pids, lambda seen: seen in GONE, "gone")
        finally:
            sent.result()


def _kill(place: Place, pids: Sequence[int], *, group: bool) -> None:
    signal_all(place, pids[:1], signal.SIGKILL)
    if group:
        # A supervisor could have started a worker meanwhile.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pids[0], signal.SIGKILL)
    signal_all(place, pids[1:], signal.SIGKILL)


def wait(pids: Collection[int], done: Callable[[str | None], bool], what: str) -> int:
    """Wait until the state of every process is as it shall be; gives the moment.  Raises CannotMeasure."""
    deadline = time.monotonic() + PROOF_S
    while left := [pid for pid in pids if not done(state(pid))]:
        if time.monotonic() > deadline:
            raise CannotMeasure(f"{len(left)} processes were not {what} within {PROOF_S:g} s.", "Run the trial again.")
        time.sleep(0.0005)
    return time.monotonic_ns()


def state(pid: int) -> str | None:
    """The kernel's letter for the state of a process (proc_pid_stat(5)); None once it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return None
