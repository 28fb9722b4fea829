"""One duel that several modules look at: what they ask of it, it has in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.duel import finish
from harness.store.blocks import block_folders, read_blocks
from harness.store.run import read_run
from tests.support import command

WORDS = (
    *("duel", "uvicorn", "uvicorn,access_log=on", "--app", "targets.truth.app:app", "--path", "/"),
    *("--seconds", "1", "--budget", "4s", "--results"),
)
"""On an app that starts at once: four servers start in each block."""
PATIENCE_S = 200
"""A block takes 4 to 12 s, and there are eight."""
ROUNDS = 2
"""Two blocks give an interval; their cells are four: request grain and slices, and slices with their blocks."""


@pytest.fixture(scope="session")
def both_regimes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a short duel in both regimes: request grain, and slices with their blocks.

    It is interrupted after two rounds, and its blocks count whatever the machine's neighbours did meanwhile: what is
    asked of it is whether figures follow from the raw files, not whether they are good ones.
    """
    place = tmp_path_factory.mktemp("duel")
    process = command.begin(*WORDS, str(place))
    enough = 4 * ROUNDS
    command.interrupted(process, lambda: len(list(place.glob("runs/*/blocks/[0-9]*"))) >= enough, PATIENCE_S)
    assert process.returncode == command.INTERRUPTED
    [run] = (place / "runs").iterdir()
    for folder in block_folders(run):
        kept = json.loads((folder / "block.json").read_text())
        (folder / "block.json").write_text(json.dumps({**kept, "voids": []}))
    finish(read_run(run).plan, run, read_blocks(run))
    return run
