"""One duel that several modules look at: what they ask of it, it has in common."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import apps, command

WORDS = ("--app", "strange:app", "--path", "/a", "--path", "/b", "--seconds", "1", "--budget", "4s")


@pytest.fixture(scope="session")
def both_regimes(tmp_path_factory: pytest.TempPathFactory) -> tuple[command.Done, Path]:
    """A duel in both regimes with a known burn of 100 µs on top of 100 µs of work, and where its results are."""
    place = tmp_path_factory.mktemp("duel")
    folder = apps.write(place / "app")
    words = ("--app-dir", str(folder), *WORDS, "--results", str(place), "--json")
    return command.run("duel", "uvicorn", "uvicorn,BURN_US=100", *words), place
