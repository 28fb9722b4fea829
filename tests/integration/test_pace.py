"""The pace of the arms' core is watched while arms take turns, and every figure says what it rests on."""

from __future__ import annotations

import json
import os

import pyarrow.parquet as pq

from harness.stats.pace import levelled
from harness.store.blocks import block_folders, read_block


def test_the_pace_of_every_window_is_kept_and_both_figures_are_told(both_regimes):
    """A user of a shared machine would read the core's jumps as the arm's cost, or could not see what was taken off."""
    found = [(folder, read_block(folder)) for folder in block_folders(both_regimes)]
    slices = [(folder, block) for folder, block in found if block.grain == "slice"]
    shares = [window.slow for _, block in slices for window in block.windows]
    assert shares
    if os.geteuid() == 0 and len(os.sched_getaffinity(0)) > 1:
        assert all(share is not None and 0 <= share <= 1 for share in shares)
        looks = pq.read_table(slices[0][0] / "pace.parquet").to_pandas()
        # A look every millisecond, but for what sleeping and looking take.
        assert len(looks) > 500
        assert (looks["took_ns"] > 0).all()
    else:
        assert all(share is None for share in shares)
    regimes = {each["name"]: each for each in json.loads((both_regimes / "verdicts.json").read_text())["regimes"]}
    valid = [block for _, block in slices if not block.voids]
    told = regimes["saturated"]["grains"]["slice"]
    assert told["at_one_pace"] is (levelled(valid) is not None)
    assert (told["as_metered"] is not None) is (told["at_one_pace"] and told["n"] > 1)
