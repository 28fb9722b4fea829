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


def _late(latency_ms):
    """Requests every 10 ms over four slices of half a second, each answered after so long."""
    slices = [Slice(n, "measure", n * 500 * MS, (n + 1) * 500 * MS, (n * 500 + 480) * MS, (0,)) for n in range(4)]
    starts = np.arange(0, 2_000, 10) * MS
    table = np.zeros(len(starts), dtype=ROW)
    table["start_ns"], table["due_ns"], table["end_ns"] = starts, starts, starts + latency_ms * MS
    table["slice"], table["status"], table["phase"] = starts // (500 * MS), 200, 1
    return summarise(table, slices, t0_ns=0, users=None, expect=(200,)).late_share


@pytest.mark.parametrize(("latency_ms", "share"), [(5, 0.0), (400, 0.0), (700, 0.4), (3_000, 1.0)])
def test_answers_that_come_a_slice_late_show_a_backlog(latency_ms, share):
    """Arms that cannot keep up would come out equal, because the scheduler shares their core fairly."""
    assert _late(latency_ms) == pytest.approx(share, abs=0.03)
