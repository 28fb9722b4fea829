"""Duels that several modules look at: what they ask of them, these have in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import apps, command

OPEN = ("--app", "strange:app", "--path", "/a", "--path", "/b", "--seconds", "1", "--budget", "4s", "--rate", "150")
SATURATED = ("duel", "uvicorn", "uvicorn,access_log=on", "--users", "8", "--seconds", "1", "--budget", "1s", "--json")
TRIES = 2
"""A neighbour of this machine may void every block of one of them."""


@pytest.fixture(scope="session")
def open_duel(tmp_path_factory: pytest.TempPathFactory) -> tuple[command.Done, Path]:
    """A duel under an open load with a known burn of 100 µs on top of 100 µs of work, and where its results are."""
    place = tmp_path_factory.mktemp("open")
    folder = apps.write(place / "app")
    words = ("--app-dir", str(folder), *OPEN, "--results", str(place), "--json")
    return command.run("duel", "uvicorn", "uvicorn,BURN_US=100", *words), place


@pytest.fixture(scope="session")
def saturated_duel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a short duel at saturation: slices, and whole blocks of one server."""
    for _ in range(TRIES):
        done = command.run(*SATURATED, "--results", str(tmp_path_factory.mktemp("saturated")))
        if done.returncode != 4:
            break
    return Path(json.loads(done.stdout)["run"])
