"""Runs the command line as a user does: in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[2]

TOO_FEW_BLOCKS = 4
"""The exit status of a session that decided nothing."""

INTERRUPTED = 128 + signal.SIGINT


def argv(*words: str) -> list[str]:
    """The command with its words."""
    return [sys.executable, "-c", "from harness.cli import main; main()", *words]


class Done(Struct, frozen=True):
    """A command that has ended."""

    pid: int
    returncode: int
    stdout: str
    stderr: str


def begin(*words: str, **variables: str) -> subprocess.Popen[str]:
    """Start the command with these variables beside its own; what it prints is kept for ``communicate``."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(argv(*words), cwd=ROOT, env={**os.environ, **variables}, **pipes)


def run(*words: str, timeout_s: float = 240.0) -> Done:
    """Run to the end and keep what it printed."""
    with begin(*words) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except BaseException:
            process.kill()
            raise
    return Done(process.pid, process.returncode, stdout, stderr)


def interrupted(
    process: subprocess.Popen[str], enough: Callable[[], object], timeout_s: float = 240.0
) -> tuple[str, str]:
    """Press Ctrl-C when a session has done enough; gives what it printed.

    For what shows in the first blocks: a machine with busy neighbours voids some and repeats them.
    """
    try:
        until(lambda: process.poll() is not None or enough(), timeout_s)
        process.send_signal(signal.SIGINT)  # Does nothing to one that has ended.
        out, said = process.communicate(timeout=30)
    except BaseException:
        process.kill()
        raise
    assert process.returncode in {0, TOO_FEW_BLOCKS, INTERRUPTED}, said
    return out, said


def document(*words: str) -> dict[str, Any]:
    """Run with ``--json``; what is on stdout must be one document."""
    done = run(*words, "--json")
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def decided(done: Done) -> dict[str, Any] | None:
    """The document of a duel; None where the machine was too busy to measure, which the contract's words must say."""
    found: dict[str, Any] = json.loads(done.stdout)
    if done.returncode == TOO_FEW_BLOCKS:
        assert found["error"]["code"] == "too-few-blocks"
        return None
    assert done.returncode == 0, done.stderr
    return found


def labelled(harness: int) -> list[int]:
    """Processes of the session that this process, a harness that lives or has ended, has begun.

    Those of other sessions are other tests', which run beside.
    """
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                variables = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(one.startswith(f"HARNESS_SESSION={harness}-".encode()) for one in variables):
                found.append(int(entry.name))
    return found
