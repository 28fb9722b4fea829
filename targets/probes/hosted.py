"""An application under any of the servers, as processes of its own whose output is kept, for the time of a probe."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from typing import IO, NamedTuple

from targets.orchestrator.cluster import free_port
from targets.orchestrator.fetching import HOST, fetch

SERVERS = ("uvicorn", "granian", "gunicorn", "gunicorn_asgi")
APP = "targets.service.main:create_app"
START_S = 60.0
"""Two processes that import at once take 4 s; on a machine that others use, ten times as long."""
READY = "/health/ready"


class Hosted(NamedTuple):
    """What is running; signals go to its whole group."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    output: IO[bytes]

    def written(self) -> bytes:
        """Give what it has written to its standard output so far."""
        return os.pread(self.output.fileno(), os.fstat(self.output.fileno()).st_size, 0)

    def kill(self) -> None:
        """End all its processes at once, and wait for the first."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.asynccontextmanager
async def hosted(
    settings: Mapping[str, str], server: str = "uvicorn", app: str = APP, **options: str
) -> AsyncIterator[Hosted]:
    """Start the factory ``app`` under the server; addresses in ``settings`` replace those of this process.

    RuntimeError where it does not get ready.  Nothing of it is left afterwards.
    """
    command, port = importlib.import_module(f"targets.servers.{server}").command, free_port()
    argv: list[str] = command(python=sys.executable, app=app, factory=True, host=HOST, port=port, options=options)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SERVICE_")}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(argv, env={**kept, **settings}, stdout=output, start_new_session=True)  # noqa: ASYNC220  (it begins at once)
        running = Hosted(f"http://{HOST}:{port}", port, process, output)
        try:
            await _until_ready(running)
            yield running
        finally:
            running.kill()


async def _until_ready(running: Hosted) -> None:
    deadline_s = time.monotonic() + START_S
    while not (await fetch(running.port, READY, 2.0)).good:
        if running.process.poll() is not None or time.monotonic() > deadline_s:
            raise RuntimeError(f"the server did not get ready (status {running.process.poll()})")
        await asyncio.sleep(0.02)
