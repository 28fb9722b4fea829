"""How many log lines SIGKILL takes along, with PYTHONUNBUFFERED and without, and what it costs, as JSON lines.

``python -m targets.probes.log_loss [--quick]``

A process writes numbered lines (see ``targets.probes.log_writer``) to a pipe, as under a container engine, or to a
file; after a number of them that is drawn it waits, as a service waits for its next request, and gets SIGKILL.  What
the kernel has is never lost: lines are lost in the process's own buffer.

Lines of kind ``kill``, one for each crash: ``{"kind", "subject", "way", "sink", "case", "repeat", "cases": 1,
"written", "arrived", "lines_lost", "lossy"}``; ``subject`` is "unbuffered" or "buffered" (the variable set or not),
``written`` are the lines whose calls had returned, ``lossy`` is 1 where any of them is missing.

Lines of kind ``without``, one for each way and sink: ``{"kind", "subject": "buffered", "way", "case", "cases",
"lossy"}``: in how many of the crashes without the variable lines were lost.  ``print`` is the twin: it must lose some
(a crash that falls right behind a flush loses none), or nobody could see a loss.

Lines of kind ``cost``, interleaved in random order: ``{"kind", "subject", "way", "repeat", "cpu_us"}``: CPU time of one
line, written to a pipe that somebody empties.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from targets.probes.started import environment

VARIABLE = "PYTHONUNBUFFERED"
SUBJECTS = {"unbuffered": {VARIABLE: "1"}, "buffered": {}}
WAYS = ("print", "print to stderr", "logging", "structlog")
SINKS = ("pipe", "file")
COST_WAYS = ("print", "logging")

KILL_BEFORE = 2000
"""A crash comes after 1 to this many lines, some 70 bytes each: a buffer of 8 KB is filled many times."""
COST_LINES = 20_000
PATIENCE_S = 60.0


def main(arguments: Sequence[str]) -> None:
    """Print a line for each crash, then one for each cost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="two crashes each, one cost each")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    crashes, costs = (2, 1) if chosen.quick else (12, 12)
    dice = random.Random(chosen.seed)
    cells = [(s, way, sink, n) for n in range(crashes) for way in WAYS for sink in SINKS for s in SUBJECTS]
    lossy = {(way, sink): 0 for way in WAYS for sink in SINKS}
    for subject, way, sink, repeat in cells:
        line = _kill(subject, way, sink, repeat, dice.randint(1, KILL_BEFORE))
        lossy[way, sink] += line["lossy"] if subject == "buffered" else 0
        _say(line)
    for (way, sink), seen in lossy.items():
        _say(_without(way, sink, crashes, seen))
    for repeat in range(costs):
        arms = [(way, subject) for way in COST_WAYS for subject in SUBJECTS]
        for way, subject in dice.sample(arms, len(arms)):
            cpu_us = _cost_us(way, subject)
            _say({"kind": "cost", "subject": subject, "way": way, "repeat": repeat, "cpu_us": cpu_us})


def _without(way: str, sink: str, cases: int, lossy: int) -> dict[str, Any]:
    case = f"{way} into a {sink}"
    line = {"kind": "without", "subject": "buffered", "way": way, "case": case, "cases": cases, "lossy": lossy}
    return line | ({"twin": True} if way == "print" else {})


def _say(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _kill(subject: str, way: str, sink: str, repeat: int, written: int) -> dict[str, Any]:
    """Let a process write, kill it after so many lines, and count."""
    with _writing(subject, way, sink, (str(written),)) as (process, told, output):
        if not os.read(told, 64):
            raise RuntimeError(f"a writer ended by itself (status {process.wait()})")
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE_S)
    arrived = _whole_lines(b"".join(output))
    return {
        "kind": "kill",
        "subject": subject,
        "way": way,
        "sink": sink,
        "case": f"{way}, {sink}, crash {repeat + 1}",
        "repeat": repeat,
        "cases": 1,
        "written": written,
        "arrived": arrived,
        "lines_lost": written - arrived,
        "lossy": int(arrived < written),
    }


def _cost_us(way: str, subject: str) -> float:
    with _writing(subject, way, "pipe", (str(COST_LINES), "timed")) as (process, told, _):
        process.wait(PATIENCE_S)
        return float(os.read(told, 64)) / COST_LINES * 1e6


@contextlib.contextmanager
def _writing(
    subject: str, way: str, sink: str, more: Sequence[str]
) -> Iterator[tuple[subprocess.Popen[bytes], int, list[bytes]]]:
    """Start a writer; give it, the pipe on which it tells, and what it has written, whole once the block has ended."""
    told, tell = os.pipe()
    output: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "log")
        source, target = os.pipe() if sink == "pipe" else (-1, os.open(file, os.O_WRONLY | os.O_CREAT))
        process = subprocess.Popen(
            [sys.executable, "-m", "targets.probes.log_writer", way, str(tell), *more],
            env=environment(SUBJECTS[subject], without=(VARIABLE,)),
            stdout=target,
            stderr=target,
            pass_fds=(tell,),
        )
        os.close(tell)
        os.close(target)
        emptying = threading.Thread(target=_empty, args=(source, output)) if sink == "pipe" else None
        if emptying is not None:
            emptying.start()
        try:
            yield process, told, output
        finally:
            process.kill()
            process.wait()
            if emptying is not None:
                emptying.join()
                os.close(source)
            else:
                output.append(file.read_bytes())
            os.close(told)


def _empty(source: int, output: list[bytes]) -> None:
    while part := os.read(source, 65536):
        output.append(part)


def _whole_lines(text: bytes) -> int:
    """How many of the numbered lines are there, each whole and in its place."""
    whole = text.split(b"\n")[:-1]
    return next((n for n, line in enumerate(whole) if not line.startswith(b"line %07d " % n)), len(whole))


if __name__ == "__main__":
    main(sys.argv[1:])
