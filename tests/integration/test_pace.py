"""The pace of the arms' core is watched while arms take turns, and every figure says what it rests on."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow.parquet as pq

from harness.stats.pace import levelled
from harness.store.blocks import block_folders, read_block
from tests.support import apps, command

WORDS = ("--app", "strange:app", "--path", "/a", "--users", "8", "--seconds", "1.5", "--budget", "6s", "--json")


def test_the_pace_of_every_window_is_kept_and_both_figures_are_told(tmp_path):
    """A user of a shared machine would read the core's jumps as the arm's cost, or could not see what was taken off."""
    folder = apps.write(tmp_path / "app")
    done = command.run("duel", "uvicorn", "uvicorn", "--app-dir", str(folder), *WORDS, "--results", str(tmp_path))
    run = next((tmp_path / "runs").iterdir())
    blocks = [read_block(place) for place in block_folders(run)]
    shares = [window.slow for block in blocks for window in block.windows]
    if os.geteuid() == 0 and len(os.sched_getaffinity(0)) > 1:
        assert all(share is not None and 0 <= share <= 1 for share in shares)
        looks = pq.read_table(next(iter(block_folders(run))) / "pace.parquet").to_pandas()
        # A look every millisecond, but for what sleeping and looking take.
        assert len(looks) > 500
        assert (looks["took_ns"] > 0).all()
    else:
        assert all(share is None for share in shares)
    if done.returncode == 0:
        [regime] = json.loads(done.stdout)["regimes"]
        valid = [block for block in blocks if not block.voids]
        told = regime["grains"]["slice"]
        assert told["at_one_pace"] is (levelled(valid) is not None)
        assert (told["as_metered"] is not None) is (told["at_one_pace"] and told["n"] > 1)
        assert Path(json.loads(done.stdout)["run"]) == run
    else:
        assert json.loads(done.stdout)["error"]["code"] == "too-few-blocks"
