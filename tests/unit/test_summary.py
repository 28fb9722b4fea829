"""What one stretch of load amounts to."""

from __future__ import annotations

import numpy as np
import pytest

from harness.load import Slice
from harness.store.samples import ROW
from harness.summary import summarise

MS = 1_000_000


@pytest.mark.parametrize(
    ("users", "took_ms", "tolerance"), [(1, 5, 0.001), (1, 90, 0.001), (4, 20, 0.05), (16, 5, 0.05)]
)
def test_users_that_never_rest_fill_littles_law(users, took_ms, tolerance):
    """Blocks of slow answers would be void, because the last answer of a slice was counted for half."""
    rows = []
    slices = []
    for number in range(8):
        start, quiet = number * 250 * MS, (number * 250 + 230) * MS
        slices.append(Slice(number, "measure", start, start + 250 * MS, quiet, (0,)))
        for user in range(users):
            # Users that begin one after the other stay so, as in a server's steady state.
            at = start + took_ms * MS * user // users
            while at < quiet:
                rows.append((at, at + took_ms * MS, number))
                at += took_ms * MS
    table = np.zeros(len(rows), dtype=ROW)
    table["start_ns"], table["end_ns"], table["slice"] = np.array(rows).T
    table["due_ns"], table["status"], table["phase"] = table["start_ns"], 200, 1
    found = summarise(table, slices, t0_ns=0, users=users, expect=(200,))
    assert found.little == pytest.approx(1.0, abs=tolerance)
