"""Runs the command line as a user does: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def argv(*words: str) -> list[str]:
    """The command with its words."""
    return [sys.executable, "-c", "from harness.cli import main; main()", *words]


def run(*words: str, timeout_s: float = 240.0) -> subprocess.CompletedProcess[str]:
    """Run to the end and keep what it printed."""
    return subprocess.run(argv(*words), cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)


def document(*words: str) -> dict[str, Any]:
    """Run with ``--json``; what is on stdout must be one document."""
    done = run(*words, "--json")
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def labelled() -> list[int]:
    """Processes that carry the label of a session, but for the servers that these tests themselves have started."""
    own = f"HARNESS_SESSION={os.getpid()}-".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                variables = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(one.startswith(b"HARNESS_SESSION=") and not one.startswith(own) for one in variables):
                found.append(int(entry.name))
    return found
