"""What SIGTERM to process 1 does where a container's command has the exec form or a shell form, as JSON lines.

``python -m targets.probes.entry_forms [--rounds 8] [--quick]``

Every server is started by every form as process 1 of a PID namespace: the kernel treats it as a container's first
process, and no engine is needed.  Careful clients, who ask on a new connection each time, read answers of LONG_MS
one after the other.  Once all of them are in the middle of one, process 1 gets SIGTERM, and SIGKILL where it still
lives BOUND_S later, as an orchestrator does.  A namespace that may not be made leaves one line that says why.

Each line is one signal: ``{"subject", "server", "case", "repeat", "cases": 1, "unheard", "told", "exit_s", "dropped",
"harmless", "first"}``.

- ``subject`` is the form (see FORMS), ``first`` the name of process 1: what the shell made of it.  One ``repeat`` is
  one server in one round.
- ``unheard`` is 1 where SIGKILL had to end it; ``told`` is 1 where the application was told to shut down.
- ``exit_s`` is the time from SIGTERM to the end; with SIGKILL it is a little more than BOUND_S.
- ``dropped`` are answers that had begun and were cut off; ``harmless`` is 1 where there are none.  A connection that
  was never answered is no request in progress, and is not counted.
- ``a shell that stays`` is the twin: its shell has more to do afterwards and must be there, so the signal is lost.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from targets.orchestrator.cluster import free_port
from targets.orchestrator.fetching import HOST
from targets.probes.pid_namespace import first_process, impossible, prefix
from targets.probes.started import SERVERS, START_S, command, environment, first_answer_s, started

APP = "targets.truth.told:app"
LONG_MS = 500
CLIENTS = 4
BOUND_S = 5.0
"""Docker waits 10 s and Kubernetes 30 before SIGKILL: a server that idles through 5 s idles through those."""
EXTRA_S = 5.0
"""Time for the kernel to end a namespace after SIGKILL, and for a client to notice."""

TWIN = "a shell that stays"


def _shell(shell: str, text: str) -> Callable[[Sequence[str]], list[str]]:
    return lambda argv: [shell, "-c", text.format(shlex.join(argv))]


FORMS: Mapping[str, Callable[[Sequence[str]], list[str]]] = {
    "exec form": list,
    # What an engine makes of the shell form: /bin/sh is dash in Debian's images.
    "shell form (sh -c)": _shell("/bin/sh", "{}"),
    "shell form with exec": _shell("/bin/sh", "exec {}"),
    "shell form of bash": _shell("bash", "{}"),
    TWIN: _shell("/bin/sh", "{}; exit $?"),
}


class Run(NamedTuple):
    """One server in its namespace."""

    server: str
    form: str
    turn: int
    port: int
    process: subprocess.Popen[bytes]
    first: int
    told: Path


def main(arguments: Sequence[str]) -> None:
    """Print one line for each signal, or the one that says why none can be sent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="one round of two servers")
    chosen = parser.parse_args(arguments)
    why = impossible()
    if why is not None:
        sys.stdout.write(json.dumps({"untested": why}) + "\n")
        return
    servers = SERVERS[:2] if chosen.quick else SERVERS
    for turn in range(1 if chosen.quick else chosen.rounds):
        for line in _round(servers, turn):
            sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def _round(servers: Sequence[str], turn: int) -> list[dict[str, Any]]:
    """Start every server by every form, then end them all: they wait at the same time, which costs nothing."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runs = [_started(stack, folder, server, form, turn) for server in servers for form in FORMS]
        for run in runs:
            first_answer_s(run.process, run.port, "/quick")
        return asyncio.run(_all_stopped(runs))


def _started(stack: contextlib.ExitStack, folder: Path, server: str, form: str, turn: int) -> Run:
    port = free_port()
    told = folder / f"told-{port}"
    argv = FORMS[form](command(server, APP, port))
    variables = environment({"TOLD_FILE": str(told)}, without=("LEDGER_DIR",))
    process = stack.enter_context(started([*prefix(), *argv], variables))
    return Run(server, form, turn, port, process, first_process(process), told)


async def _all_stopped(runs: Sequence[Run]) -> list[dict[str, Any]]:
    return await asyncio.gather(*(_stopped(run) for run in runs))


async def _stopped(run: Run) -> dict[str, Any]:
    """Send the signals and count what the clients saw of them."""
    begun = [asyncio.Event() for _ in range(CLIENTS)]
    clients = [asyncio.create_task(_asking(run, event)) for event in begun]
    async with asyncio.timeout(START_S):
        await asyncio.gather(*(event.wait() for event in begun))
    name = _name(run.first)
    began_s = time.monotonic()
    os.kill(run.first, signal.SIGTERM)
    unheard = not await _over(run, BOUND_S)
    if unheard:
        os.kill(run.first, signal.SIGKILL)
        await _over(run, EXTRA_S)
    exit_s = time.monotonic() - began_s
    dropped = sum(await asyncio.gather(*clients))
    return {
        "subject": run.form,
        "server": run.server,
        "case": f"{run.server} {run.turn + 1}",
        "repeat": run.turn * len(SERVERS) + SERVERS.index(run.server),
        "cases": 1,
        "unheard": int(unheard),
        "told": int(run.told.exists()),
        "exit_s": exit_s,
        "dropped": dropped,
        "harmless": int(not dropped),
        "first": name,
    } | ({"twin": True} if run.form == TWIN else {})


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


async def _over(run: Run, patience_s: float) -> bool:
    """Whether the namespace has ended within that time."""
    deadline_s = time.monotonic() + patience_s
    while run.process.poll() is None and time.monotonic() < deadline_s:  # noqa: ASYNC110  (a clock and a process set no event)
        await asyncio.sleep(0.005)
    return run.process.poll() is not None


async def _asking(run: Run, begun: asyncio.Event) -> int:
    """Read one answer after the other until none begins; give how many had begun and were cut off."""
    dropped = 0
    while True:
        try:
            async with asyncio.timeout(BOUND_S + EXTRA_S):
                whole = await _read(run.port, begun)
        except OSError:
            # Refused, or reset before a byte came: there is nobody any more.  TimeoutError is one, too.
            return dropped
        if whole is None:
            return dropped
        dropped += not whole


async def _read(port: int, begun: asyncio.Event) -> bool | None:
    """Whether an answer came whole, or None where none began; OSError where nobody listens."""
    reader, writer = await asyncio.open_connection(HOST, port)
    text = b""
    try:
        writer.write(
            f"GET /stream?ms={LONG_MS}&gap_ms=20 HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
        )
        while part := await reader.read(65536):
            text += part
            begun.set()
    except OSError:
        if not text:
            raise
    finally:
        writer.close()
    return b"end\r\n0\r\n" in text if text else None


if __name__ == "__main__":
    main(sys.argv[1:])
