"""The upstream as a process of its own, on a free port of loopback, for the time of a probe."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from urllib.request import urlopen

from targets.probes.started import end

HOST = "127.0.0.1"
APP = "targets.upstream.app:app"
START_S = 30.0

SERVERS: dict[str, tuple[str, ...]] = {
    "uvicorn": ("uvicorn", "--log-level", "warning", "--no-access-log"),
    # It speaks HTTP/2 over clear text to those who begin with it.
    "granian": ("granian", "--interface", "asgi", "--http", "auto", "--log-level", "error"),
}


@contextlib.contextmanager
def upstream(settings: Mapping[str, str], server: str = "uvicorn") -> Iterator[str]:
    """Give the address of a new upstream with these settings (UPSTREAM_…); RuntimeError where it does not answer."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("UPSTREAM_")}
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = int(free.getsockname()[1])
    module, *flags = SERVERS[server]
    argv = [sys.executable, "-m", module, "--host", HOST, "--port", str(port), *flags, APP]
    process = subprocess.Popen(argv, env={**kept, **settings}, start_new_session=True)
    try:
        url = f"http://{HOST}:{port}"
        _wait(process, f"{url}/health")
        yield url
    finally:
        end(process)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urlopen(url, timeout=2):  # noqa: S310  (our own address)
            return
        time.sleep(0.02)
    raise RuntimeError(f"the upstream did not answer (status {process.poll()})")
