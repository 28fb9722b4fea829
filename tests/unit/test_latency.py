"""Which blocks latencies are taken from, and when slices are too short for tails."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

from harness.latency import of_condition, tail_grain
from harness.store import blocks as store
from tests.support import runs


@pytest.mark.parametrize(
    ("grains", "chosen"),
    [
        ({"slice", "request"}, "request"),
        ({"slice", "block"}, "block"),
        ({"request", "block"}, "block"),
        ({"slice"}, "slice"),
        (set(), None),
    ],
)
def test_latencies_come_from_one_grain_the_least_cut(grains, chosen):
    """A user would read a p99 of slices that had cut every stall short, beside a whole one."""
    assert tail_grain(grains) == chosen


def read(folder, *, lag_ms):
    """Give the blocks of a run as if their generator had been so late."""
    return [structs.replace(block, send_lag_p99_ms=lag_ms) for block in store.read_blocks(folder)]


@pytest.mark.parametrize(("slice_s", "tails"), [(0.01, False), (5.0, True)])
def test_slices_shorter_than_ten_stalls_print_no_tail(tmp_path, slice_s, tails):
    """A user would take a stall of 5 ms in slices of 10 ms for the longest there is."""
    folder = runs.duel_run(tmp_path, count=2, void=())
    condition = structs.replace(runs.plan(1).conditions[0], slice_s=slice_s)
    found = of_condition(folder, read(folder, lag_ms=0.01), condition)["baseline"]
    assert found["p50_ms"] is not None
    assert (found["max_ms"] is not None) is tails
    assert (found["p95_ms"] is not None) is tails
    assert np.isfinite(found["p50_ms"])


def test_a_quantile_that_is_a_tenth_lag_is_not_printed(tmp_path):
    """A user would read the generator's own lateness as the latency of a fast server."""
    folder = runs.duel_run(tmp_path, count=2, void=())
    condition = structs.replace(runs.plan(1).conditions[0], slice_s=5.0)
    calm = of_condition(folder, read(folder, lag_ms=0.01), condition)["baseline"]
    late = of_condition(folder, read(folder, lag_ms=calm["p95_ms"] / 10 - 0.001), condition)["baseline"]
    assert calm["p50_ms"] is not None
    assert late["p50_ms"] is None
    assert late["p95_ms"] == calm["p95_ms"]
