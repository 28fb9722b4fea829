"""Starting, pinning and ending processes of a session."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from msgspec import Struct

from harness import supervisor

STOP_S = 1.0
"""A server that has answered its last request gets this long to end by itself."""


class Session(Struct, frozen=True):
    """The label that every process of a session carries, and the supervisor that watches it."""

    label: str
    watcher: subprocess.Popen[bytes]


@contextlib.contextmanager
def supervised(*, containers: bool = False) -> Iterator[Session]:
    """Start a supervisor; when the block ends, or the harness dies, all labelled processes end.

    ``containers``: so do the containers with the session's label.
    """
    _pass_no_deafness_on()
    label = f"{os.getpid()}-{time.monotonic_ns():x}"
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", supervisor.__file__, label, *(["containers"] if containers else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Session(label=label, watcher=watcher)
    finally:
        if watcher.stdin is not None:
            watcher.stdin.close()
        watcher.wait()


def _pass_no_deafness_on() -> None:
    """Let the processes of the session hear what this one ignores.

    A harness in the background of a script ignores SIGINT, and under nohup SIGHUP.  An ignored signal is inherited, so
    what a server does when it gets one would depend on how the harness was started.  A handler is not inherited.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # Only the main thread may set handlers; it was here before, or the caller is no command.
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _ignore)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do what an ignored signal does."""


@contextlib.contextmanager
def pinned(cores: Sequence[int] | None) -> Iterator[None]:
    """Children started inside the block run on ``cores`` (None: where this process does)."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def start(
    argv: Sequence[str],
    *,
    session: Session,
    environment: Mapping[str, str],
    log: Path,
    cores: Sequence[int] | None = None,
    directory: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a labelled process in a process group of its own, its output going to ``log``."""
    with pinned(cores), log.open("ab") as output:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**environment, supervisor.LABEL: session.label},
            cwd=directory,
            start_new_session=True,
        )


def stop(processes: Sequence[subprocess.Popen[bytes]], grace_s: float = STOP_S) -> None:
    """End whole process groups: SIGTERM, SIGCONT for frozen ones, SIGKILL after ``grace_s``."""
    for process in processes:
        ask_to_end(process)
    deadline = time.monotonic() + grace_s
    for process in processes:
        end_by(process, deadline)


def ask_to_end(process: subprocess.Popen[bytes]) -> None:
    """Send a group SIGTERM, and SIGCONT: a frozen one would not hear."""
    _signal_group(process, signal.SIGTERM)
    _signal_group(process, signal.SIGCONT)


def end_by(process: subprocess.Popen[bytes], deadline_s: float) -> None:
    """Wait for a process until an instant of ``time.monotonic()``, then kill its group."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.0, deadline_s - time.monotonic()))
    _signal_group(process, signal.SIGKILL)
    process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    # The group outlives its leader while a worker lives: signal it even when the leader is gone.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def tail(log: Path, lines: int = 12) -> str:
    """Last lines of a log, for a message; empty where there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
