"""Start what is measured: the service in this process, or a server as a process of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import httpx

from targets.probes.started import end
from targets.service.main import create_app
from targets.service.settings import Settings

ROOT = Path(__file__).parents[2]
SERVERS = sorted(path.stem for path in (ROOT / "targets/servers").glob("*.py"))


@contextlib.asynccontextmanager
async def service(**settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the service built with these settings, its lifespan running."""
    app = create_app(Settings(**settings))
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope, receive, send):
            scope["state"] = dict(state)
            await app(scope, receive, send)

        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            client.app = app
            yield client


@contextlib.asynccontextmanager
async def asgi(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of any application, without a lifespan."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        yield client


def server(name: str) -> ModuleType:
    """Load a server's module by its path, as the harness does."""
    path = ROOT / "targets/servers" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"server_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def free_port() -> int:
    """Give a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Give this process's environment without what a target reads, plus the changes."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SERVICE_", "TRUTH_"))}
    return {**kept, **changes}


@contextlib.contextmanager
def process(argv: list[str], port: int, changes: Mapping[str, str], ready: str) -> Iterator[str]:
    """Run a server until the block ends; gives its address once ``ready`` answers."""
    running = subprocess.Popen(
        argv,
        cwd=ROOT,
        env=environment(changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_ready(running, url + ready)
        yield url
    finally:
        end(running)
        running.stdout.close()


def wait_ready(running: subprocess.Popen[bytes], url: str, timeout_s: float = 20.0) -> None:
    """Poll until the address answers; fail with the output if the process ends before."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if running.poll() is not None:
            raise AssertionError(f"ended with {running.returncode}: {running.stdout.read().decode()}")
        if _answers(url):
            return
        time.sleep(0.05)
    raise AssertionError(f"{url} did not answer within {timeout_s} s")


def _answers(url: str) -> bool:
    """Whether anything answers: without httpx, whose every client reads the certificates of all authorities."""
    parts = urlsplit(url)
    with contextlib.closing(HTTPConnection(parts.netloc, timeout=5)) as connection:
        try:
            connection.request("GET", parts.path or "/")
            connection.getresponse().read()
        except (OSError, HTTPException):
            return False
    return True


@contextlib.contextmanager
def served(
    name: str, app: str, *, factory: bool, ready: str, changes: Mapping[str, str], **options: str
) -> Iterator[str]:
    """Run an application under one of the servers."""
    port = free_port()
    argv = server(name).command(
        python=sys.executable, app=app, factory=factory, host="127.0.0.1", port=port, options=options
    )
    with process(argv, port, changes, ready) as url:
        yield url
