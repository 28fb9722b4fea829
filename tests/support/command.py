"""Runs the command line as a user does: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]

TOO_FEW_BLOCKS = 4
"""The exit status of a session that decided nothing."""


def argv(*words: str) -> list[str]:
    """The command with its words."""
    return [sys.executable, "-c", "from harness.cli import main; main()", *words]


class Done(Struct, frozen=True):
    """A command that has ended."""

    pid: int
    returncode: int
    stdout: str
    stderr: str


def run(*words: str, timeout_s: float = 240.0) -> Done:
    """Run to the end and keep what it printed."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(argv(*words), cwd=ROOT, **pipes) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except BaseException:
            process.kill()
            raise
    return Done(process.pid, process.returncode, stdout, stderr)


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
