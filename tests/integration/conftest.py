"""One duel that several modules look at: what they ask of it, it has in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import command

WORDS = (
    *("duel", "uvicorn", "uvicorn,access_log=on", "--app", "targets.truth.app:app", "--path", "/"),
    *("--seconds", "1", "--budget", "4s", "--json", "--results"),
)
"""On an app that starts at once: four servers start in each of some twenty blocks."""
TRIES = 3
"""A neighbour of this machine may void every block of one of them."""


@pytest.fixture(scope="session")
def both_regimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a short duel in both regimes: request grain, and slices with their blocks."""
    for _ in range(TRIES):
        done = command.run(*WORDS, str(tmp_path_factory.mktemp("duel")))
        if done.returncode != 4:
            break
    return Path(json.loads(done.stdout)["run"])
