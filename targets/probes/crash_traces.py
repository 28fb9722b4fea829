"""Whether a crash on purpose leaves a traceback that names its line, per server, as JSON lines.

``python -m targets.probes.crash_traces [--repeats 3] [--quick]``

Each line is one crash of a new server: ``{"subject", "handler", "case", "repeat", "cases": 1, "unnamed", "signal"}``.

- ``subject`` is the server, ``handler`` says whether PYTHONFAULTHANDLER=1 was set ("on") or not ("off"); ``case`` is
  the kind of crash: a wrong read in the event loop's thread, one in another thread, abort().
- ``unnamed`` is 1 where what the server wrote does not hold file, line and function of the crash; ``said`` whether it
  holds the traceback's first words at all.  ``died`` says whether a process that served is gone: a crash that
  was none would prove nothing.
- Servers without the handler are the twins: their crashes must leave nothing.
- No core is dumped.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import json
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from targets.orchestrator.cluster import free_port
from targets.orchestrator.fetching import HOST
from targets.probes.started import SERVERS, command, environment, first_answer_s, group, started
from targets.truth import crashing

APP = "targets.truth.crashing:app"
VARIABLE = "PYTHONFAULTHANDLER"
FIRST_WORDS = "Fatal Python error: "

CRASHES: Mapping[str, Callable[[], None]] = {
    "segv": crashing.reckless_read,
    "thread": crashing.reckless_read,
    "abort": crashing.reckless_abort,
}
"""Path of the application → function in which it ends."""

CASES = {"segv": "wrong read in the event loop", "thread": "wrong read in a thread", "abort": "abort()"}

GONE_S = 5.0
"""A process that crashed is gone at once; a supervisor needs a moment to notice."""
SETTLED_S = 0.1
"""What the dying process wrote is in the file before it is gone; its supervisor's words may follow."""


def main(arguments: Sequence[str]) -> None:
    """Print one line for each crash."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one crash each, of two kinds")
    chosen = parser.parse_args(arguments)
    # Children inherit it: nobody finds cores in their folders afterwards.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    kinds = ("segv", "thread") if chosen.quick else tuple(CRASHES)
    for repeat in range(1 if chosen.quick else chosen.repeats):
        for server in SERVERS:
            for kind in kinds:
                for handler in ("on", "off") if repeat == 0 else ("on",):
                    sys.stdout.write(json.dumps(_crash(server, kind, handler, repeat)) + "\n")
                    sys.stdout.flush()


def _crash(server: str, kind: str, handler: str, repeat: int) -> dict[str, Any]:
    port = free_port()
    variables = environment({VARIABLE: "1"} if handler == "on" else {}, without=(VARIABLE,))
    with tempfile.TemporaryFile() as log:
        with started(command(server, APP, port), variables, log) as process:
            first_answer_s(process, port, "/quick")
            before = set(group(process.pid))
            _ask(port, kind)
            died = _one_gone(process.pid, before)
            time.sleep(SETTLED_S)
        log.seek(0)
        text = log.read().decode(errors="replace")
    line = {
        "subject": server,
        "handler": handler,
        "case": CASES[kind],
        "repeat": repeat,
        "cases": 1,
        "unnamed": int(not named(text, CRASHES[kind])),
        "said": int(FIRST_WORDS in text),
        "died": int(died),
    }
    return line | ({"twin": True} if handler == "off" else {})


def named(text: str, function: Callable[[], None]) -> bool:
    """Whether a traceback has file, line and name of the function's only statement."""
    lines, first = inspect.getsourcelines(function)
    return f'File "{Path(crashing.__file__)}", line {first + len(lines) - 1} in {function.__name__}' in text


def _ask(port: int, path: str) -> None:
    """Send the request; its connection ends with the process, one way or the other."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=GONE_S) as connection:
        connection.sendall(f"GET /{path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        connection.recv(4096)


def _one_gone(leader: int, before: set[int]) -> bool:
    """Wait until one of the processes that served is gone; a zombie is gone."""
    deadline_s = time.monotonic() + GONE_S
    while time.monotonic() < deadline_s:
        if before - {pid for pid in group(leader) if not _zombie(pid)}:
            return True
        time.sleep(0.02)
    return False


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


if __name__ == "__main__":
    main(sys.argv[1:])
