"""The container engine, as tests speak to it: by its own command line, in the project's folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from harness.engine import connect
from harness.errors import CannotMeasure

ROOT = Path(__file__).resolve().parents[2]


def missing() -> str | None:
    """What is missing for these tests, in the harness's own words; None where an engine with Compose answers."""
    try:
        connect()
    except CannotMeasure as error:
        return f"{error.message} (.ci/engine start brings one)"
    return None


def docker(*arguments: str, check: bool = True, timeout_s: float = 120.0, **environment: str) -> str:
    """Run one command of the engine's command line in the project's folder and give what it printed."""
    done = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0 or not check, f"docker {' '.join(arguments)}: {done.stdout}{done.stderr}"[-2000:]
    return done.stdout
