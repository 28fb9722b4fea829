"""Whether a crash on purpose leaves a traceback that names its line, per server, as JSON lines.

``python -m targets.probes.crash_traces [--repeats 4] [--quick]``

Each line of kind ``segfault`` or ``abort`` is one crash of a new server: ``{"kind", "subject", "handler", "case",
"repeat", "cases": 1, "unnamed", "said", "died"}``.

- ``subject`` is the server, ``handler`` says whether PYTHONFAULTHANDLER=1 was set ("on") or not ("off"); ``case`` is
  the kind of crash: a wrong read in the event loop's thread, one in another thread, abort().
- ``unnamed`` is 1 where what the server wrote does not hold file, line and function of the crash; ``said`` whether it
  holds the traceback's first words at all.  ``died`` says whether a process that served is gone: a crash that
  was none would prove nothing.
- Servers without the handler are the twins: their crashes must leave nothing.
- A line of kind ``aborts`` for each server, ``{"kind", "case", "named"}``, says whether abort() was named every time:
  a server that has a handler of its own for SIGABRT, as Gunicorn's workers do, takes the fault handler's place.
- No core is dumped.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import itertools
import json
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from targets.orchestrator.cluster import free_port
from targets.orchestrator.fetching import HOST
from targets.probes.started import SERVERS, command, environment, first_answer_s, group, started
from targets.truth import crashing

APP = "targets.truth.crashing:app"
VARIABLE = "PYTHONFAULTHANDLER"
FIRST_WORDS = "Fatal Python error: "


class Crash(NamedTuple):
    """One way to crash."""

    kind: str
    case: str
    function: Callable[[], None]
    """In which it ends."""


CRASHES: Mapping[str, Crash] = {
    "segv": Crash("segfault", "wrong read in the event loop", crashing.reckless_read),
    "thread": Crash("segfault", "wrong read in a thread", crashing.reckless_read),
    "abort": Crash("abort", "abort()", crashing.reckless_abort),
}
"""By path of the application."""
ABORTS = 2
"""Repeats of abort(), which is beside the question: what the server does with SIGABRT is the same every time."""

GONE_S = 5.0
"""A process that crashed is gone at once; a supervisor needs a moment to notice."""
SETTLED_S = 0.1
"""What the dying process wrote is in the file before it is gone; its supervisor's words may follow."""


def main(arguments: Sequence[str]) -> None:
    """Print one line for each crash."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--quick", action="store_true", help="one crash each")
    chosen = parser.parse_args(arguments)
    # Children inherit it: nobody finds cores in their folders afterwards.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    repeats = 1 if chosen.quick else chosen.repeats
    aborts = dict.fromkeys(SERVERS, 1)
    for repeat, server, path in itertools.product(range(repeats), SERVERS, CRASHES):
        if path == "abort" and repeat >= ABORTS:
            continue
        for handler in ("on", "off") if repeat == 0 else ("on",):
            line = _crash(server, path, handler, repeat)
            if path == "abort" and handler == "on":
                aborts[server] &= 1 - line["unnamed"]
            _say(line)
    for server, seen in aborts.items():
        _say({"kind": "aborts", "case": server, "named": seen})


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _crash(server: str, path: str, handler: str, repeat: int) -> dict[str, Any]:
    crash, port = CRASHES[path], free_port()
    variables = environment({VARIABLE: "1"} if handler == "on" else {}, without=(VARIABLE,))
    with tempfile.TemporaryFile() as log:
        with started(command(server, APP, port), variables, log) as process:
            first_answer_s(process, port, "/quick")
            before = set(group(process.pid))
            _ask(port, path)
            died = _one_gone(process.pid, before)
            time.sleep(SETTLED_S)
        log.seek(0)
        text = log.read().decode(errors="replace")
    line = {
        "kind": crash.kind,
        "subject": server,
        "handler": handler,
        "case": crash.case,
        "repeat": repeat,
        "cases": 1,
        "unnamed": int(not named(text, crash.function)),
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
