"""When a known truth counts as told, and when as decided."""

from __future__ import annotations

import pytest

from harness.selftest import stall
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


def test_a_stalls_drain_is_the_servers_own_word():
    """Lost otherwise: a client that stamps its answers late would move the truth that it is judged by."""
    end_ns = 3_000_000_000
    early = [k * 5_000_000 for k in range(500)]
    backlog = [end_ns + (k + 1) * 100_000 for k in range(100)]
    later = [end_ns + 20_000_000 + k * 5_000_000 for k in range(50)]
    assert stall.drained_ms([(2_500_000_000, end_ns)], [*later, *early, *backlog]) == pytest.approx(0.1)
    # A stall at the very end, whose backlog was not served in time, tells nothing.
    both = [(2_500_000_000, end_ns), (4_000_000_000, 4_500_000_000)]
    assert stall.drained_ms(both, [*later, *early, *backlog]) == pytest.approx(0.1)
