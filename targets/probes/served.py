"""The reference service as a process of its own, on a free port of loopback, for the time of a probe."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.request import urlopen

from targets.probes.started import end

HOST = "127.0.0.1"
KEEP_ALIVE_S = 5
"""What uvicorn does by itself."""
START_S = 60.0
"""The service imports in about 1.5 s; a cold disk, or a machine that others use too, takes many times as long."""
HEALTH_S = 20
"""Uvicorn kills a worker that is silent for 5 s unless told otherwise, and on a busy machine one that still imports.
A supervisor that is asking a worker while that is killed waits as long, and starts no other meanwhile: the supervisor
holds both ends of the pipe, so no end of file tells it (uvicorn 0.54, supervisors/multiprocess.py)."""

APP = "targets.service.main:create_app"


class Service(NamedTuple):
    """A running service and its first process, which has the workers as children where there are several."""

    url: str
    process: subprocess.Popen[bytes]
    port: int


@contextlib.contextmanager
def served(settings: Mapping[str, str], workers: int = 1) -> Iterator[str]:
    """Give the address of a new service, as ``running`` does."""
    with running(settings, workers) as service:
        yield service.url


@contextlib.contextmanager
def running(
    settings: Mapping[str, str], workers: int = 1, port: int | None = None, keep_alive_s: int = KEEP_ALIVE_S
) -> Iterator[Service]:
    """Start the service with these settings in so many processes; DATABASE_URL and REDIS_URL are passed on.

    A connection without a request ends after ``keep_alive_s``.  RuntimeError where it does not get ready.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SERVICE_")}
    port = _free_port() if port is None else port
    argv = ["--factory", "--host", HOST, "--port", str(port), "--log-level", "warning", "--no-access-log"]
    argv += ["--timeout-keep-alive", str(keep_alive_s)]
    argv += ["--workers", str(workers), "--timeout-worker-healthcheck", str(HEALTH_S)] if workers > 1 else []
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", APP, *argv], env={**kept, **settings}, start_new_session=True
    )
    try:
        url = f"http://{HOST}:{port}"
        _wait_ready(process, f"{url}/health/ready")
        yield Service(url, process, port)
    finally:
        end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_ready(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urlopen(url, timeout=2):  # noqa: S310  (our own address)
            return
        time.sleep(0.02)
    raise RuntimeError(f"the service did not get ready (status {process.poll()})")
