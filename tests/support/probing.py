"""Run a probe as a claim does, in its quick form, and read its lines."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from harness.backends import databases
from harness.backends.postgres import Postgres
from tests.support import serving
from tests.support.databases import database

PATIENCE_S = 400
"""Tests share their cores with other tests; a session of measurement does not."""


def lines_of(module: str, changes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give the lines of a probe with these variables in its environment."""
    done = subprocess.run(
        [sys.executable, "-m", f"targets.probes.{module}", "--quick"],
        cwd=serving.ROOT,
        env=serving.environment(changes),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def lines_on(postgres: Postgres, module: str, changes: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Give the lines of a probe on a copy of the seeded data that is its own."""
    template = databases.template(postgres, databases.Data(rows=10_000, seed=3), serving.ROOT)
    with database(postgres.url, databases.database_url(postgres, template)) as url:
        return lines_of(module, {"DATABASE_URL": url, **(changes or {})})
