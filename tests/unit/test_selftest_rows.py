"""When a known truth counts as told, and when as decided."""

from __future__ import annotations

import pytest

from harness.selftest.rig import Row


@pytest.mark.parametrize(
    ("reported", "low", "high", "ok", "decided"),
    [
        (1.00, None, None, True, True),
        (1.05, None, None, False, True),
        (None, None, None, False, True),
        (1.00, 0.98, 1.02, True, True),
        (1.00, 0.90, 1.10, True, False),
        (1.05, 1.00, 1.10, False, False),
        (1.10, 1.05, 1.15, False, True),
        (0.90, 0.85, 0.95, False, True),
    ],
)
def test_a_truth_is_told_within_its_tolerance_and_decided_by_its_interval(reported, low, high, ok, decided):
    """A user would see "ok" over a wide interval, or a failure that only noise made look final."""
    row = Row("slope", 1.0, reported, "of injected", 0.03, low=low, high=high)
    assert (row.ok, row.decided) == (ok, decided)
