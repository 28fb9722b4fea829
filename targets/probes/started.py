"""Any of the servers as a process group of its own, started and ended for a probe."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from targets.orchestrator.fetching import HOST

SERVERS = ("uvicorn", "granian", "gunicorn", "gunicorn_asgi")

REFERENCE = "targets.service.main:create_app"

START_S = 60.0
"""The service imports in about 1 s; many at once, from source and on few cores, take several times as long."""

GRACE_S = 10.0
"""A server that is told to end finishes its requests; none here has one that takes as long."""

POLL_S = 0.005
"""A start takes a second: looking every 5 ms adds at most half a percent to it, and costs the other core little."""

_PARENT, _GROUP = 1, 2
"""Places in /proc/PID/stat behind the name: state, parent, process group."""
_CPU = slice(11, 15)
"""User and system time of the process, then of its children that have ended, in ticks."""


def command(server: str, app: str, port: int, options: Mapping[str, str] | None = None) -> list[str]:
    """Give the argument list that serves the app; a name that ends with ``create_app`` is a factory."""
    found: list[str] = importlib.import_module(f"targets.servers.{server}").command(
        python=sys.executable,
        app=app,
        factory=app.endswith(":create_app"),
        host=HOST,
        port=port,
        options=options or {},
    )
    return found


def environment(changes: Mapping[str, str], without: Sequence[str] = ()) -> dict[str, str]:
    """Give this process's environment less what the service reads and what is ``without``, plus the changes."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SERVICE_") and k not in without}
    return {**kept, **changes}


@contextlib.contextmanager
def started(
    argv: Sequence[str], variables: Mapping[str, str], log: IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process group, its output going to ``log`` or nowhere; whatever happens, it ends with the block."""
    output = subprocess.DEVNULL if log is None else log
    process = subprocess.Popen(list(argv), env=dict(variables), stdout=output, stderr=output, start_new_session=True)
    try:
        yield process
    finally:
        _clear(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End the first process of a group as an operator does; what is left of the group then goes with it.

    A supervisor that does not end in time leaves its workers, and they hold its output open: who reads that would
    wait for ever.
    """
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    _clear(process)


def _clear(process: subprocess.Popen[bytes]) -> None:
    """A worker may outlive its supervisor: the whole group goes."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def first_answer_s(process: subprocess.Popen[bytes], port: int, path: str, patience_s: float = START_S) -> float:
    """Wait for the first 200 and give its moment (monotonic); RuntimeError where there is none."""
    asked = f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(asked)
            if connection.recv(4096).split(b" ", 2)[1:2] == [b"200"]:
                return time.monotonic()
        time.sleep(POLL_S)
    raise RuntimeError(f"a server did not answer (status {process.poll()})")


def group(leader: int) -> dict[int, float]:
    """Give the living processes of a group, each with the CPU seconds that it and its ended children have used."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for pid, fields in _stats():
        if int(fields[_GROUP]) == leader:
            found[pid] = sum(int(value) for value in fields[_CPU]) / ticks
    return found


def children(parent: int) -> list[int]:
    """Give the living children of a process."""
    return [pid for pid, fields in _stats() if int(fields[_PARENT]) == parent]


def _stats() -> Iterator[tuple[int, list[str]]]:
    for place in Path("/proc").glob("[0-9]*"):
        # Processes end while one looks.
        with contextlib.suppress(OSError):
            # The name stands in brackets and may hold blanks and brackets of its own.
            yield int(place.name), (place / "stat").read_text().rpartition(")")[2].split()
