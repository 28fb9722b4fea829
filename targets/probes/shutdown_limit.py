"""How long servers take to exit while one client reads an endless stream, as JSON lines.

``python -m targets.probes.shutdown_limit [--repeats 4] [--quick]``

Every server is started with its own defaults, and with a limit of 2 s where it has an option for one; each serves one
endless stream, gets SIGTERM, and has as long as its limit says, and a second more.  As shipped the limit is the
standard's example, 30 s.  All of them wait at the same time: waiting costs nothing.

Each line is one shutdown: ``{"subject", "repeat", "case", "cases": 1, "limit_s", "over", "exit_s", "cut"}``; ``exit_s``
is null where the process still lived at the limit, ``cut`` says whether the stream ended before the process.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HOST = "127.0.0.1"
APP = "targets.truth.slow:app"
SERVERS = Path(__file__).parents[1] / "servers"

SHIPPED_S = 30.0
"""The standard's example of a limit."""
CONFIGURED_S = 2.0
SLACK_S = 1.0
"""Ending processes and noticing it."""
START_S = 60.0
"""All servers start at once, on as few cores as there are."""

LIMITS: Mapping[str, Mapping[str, str]] = {
    "uvicorn": {"graceful_timeout": "2"},
    "granian": {"kill_timeout": "2"},
    "gunicorn": {"graceful_timeout": "2"},
    "gunicorn_asgi": {"graceful_timeout": "2"},
}
"""Each server's own option for a limit of 2 s."""


class Run(NamedTuple):
    """One server with its stream."""

    subject: str
    repeat: int
    limit_s: float
    process: subprocess.Popen[bytes]
    stream: socket.socket


def main(arguments: Sequence[str]) -> None:
    """Start them all, tell them all to stop, and say when each had."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="one shutdown with a limit of 2 s each")
    chosen = parser.parse_args(arguments)
    kinds = [(name, f"{name}, limit 2 s", CONFIGURED_S, limit) for name, limit in LIMITS.items()]
    if not chosen.quick:
        kinds += [(name, f"{name}, as shipped", SHIPPED_S, {}) for name in LIMITS]
    with contextlib.ExitStack() as stack:
        runs = [
            stack.enter_context(_streaming(name, subject, repeat, limit_s, options))
            for repeat in range(1 if chosen.quick else max(1, chosen.repeats))
            for name, subject, limit_s, options in kinds
        ]
        for line in _stopped(runs):
            sys.stdout.write(json.dumps(line) + "\n")


@contextlib.contextmanager
def _streaming(name: str, subject: str, repeat: int, limit_s: float, options: Mapping[str, str]) -> Iterator[Run]:
    """Start one server and open its endless stream; whatever happens, it ends with the block."""
    port = _free_port()
    process = subprocess.Popen(
        _command(name, port, options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        with _stream(process, port) as stream:
            yield Run(subject, repeat, limit_s, process, stream)
    finally:
        _end(process)


def _command(name: str, port: int, options: Mapping[str, str]) -> list[str]:
    spec = importlib.util.spec_from_file_location(f"probe_{name}", SERVERS / f"{name}.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: list[str] = module.command(
        python=sys.executable, app=APP, factory=False, host=HOST, port=port, options=options
    )
    return found


def _stream(process: subprocess.Popen[bytes], port: int) -> socket.socket:
    """Give a connection on which an endless stream has begun."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            stream = socket.create_connection((HOST, port), timeout=5)
            stream.sendall(b"GET /stream?ms=0&gap_ms=100 HTTP/1.1\r\nHost: probe\r\n\r\n")
            if b"200" in stream.recv(4096):
                stream.setblocking(False)  # noqa: FBT003  (the socket's own signature)
                return stream
            stream.close()
        time.sleep(0.05)
    raise RuntimeError(f"a server did not stream (status {process.poll()})")


def _stopped(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """Send SIGTERM to each and follow them until they have ended or their time is over."""
    began = time.monotonic()
    for run in runs:
        run.process.send_signal(signal.SIGTERM)
    living, cut = list(runs), set[int]()
    while living:
        now_s = time.monotonic() - began
        for run in list(living):
            pid = run.process.pid
            if pid not in cut and _over(run.stream):
                cut.add(pid)
            over = now_s > run.limit_s + SLACK_S
            if run.process.poll() is None and not over:
                continue
            living.remove(run)
            ended = run.process.returncode is not None
            yield {
                "subject": run.subject,
                "repeat": run.repeat,
                "case": f"shutdown {run.repeat + 1}",
                "cases": 1,
                "limit_s": run.limit_s,
                "over": int(not ended),
                "exit_s": now_s if ended else None,
                "cut": pid in cut,
            }
        time.sleep(0.02)


def _over(stream: socket.socket) -> bool:
    """Read what has come; whether the stream has ended."""
    try:
        while True:
            if not stream.recv(65536):
                return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the group: a worker may outlive its supervisor."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main(sys.argv[1:])
