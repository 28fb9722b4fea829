"""The figures of a trial with faults, on requests whose fate is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import passages
from harness.stats import resilience
from harness.store import samples

S = 1_000_000_000


def _due(count: int, rate_rps: int = 100) -> np.ndarray:
    return np.arange(count, dtype=np.int64) * (S // rate_rps)


def test_goodput_counts_by_due_time_and_by_deadline():
    """A service that answers everything two seconds late would be called healthy."""
    due = _due(400)
    end = due + S // 100
    correct = np.ones(400, dtype=bool)
    # Due in the second second: answered, but only after the deadline of half a second.
    end[100:200] += S
    good = resilience.within_deadline(due, end, correct, S // 2)
    assert resilience.goodput(due, good, 0, S) == 1.0
    assert resilience.goodput(due, good, S, 2 * S) == 0.0
    assert resilience.goodput(due, good, 2 * S, 4 * S) == 1.0
    assert resilience.goodput(due, good, 9 * S, 10 * S) is None


@given(failed=st.integers(1, 99), begun=st.integers(0, 99))
def test_detection_is_the_first_failure_seen_after_the_fault(failed, begun):
    """A failure before the fault, or one seen later, would be taken for its detection."""
    due = _due(100)
    end = due + S // 1000
    broken = np.zeros(100, dtype=bool)
    broken[failed] = True
    at = resilience.detected_ns(end, broken, int(due[begun]))
    assert at == (int(end[failed]) if failed >= begun else None)


def test_hysteresis_tells_a_service_that_stays_down_from_one_that_came_back():
    """A metastable failure would pass for a recovery."""
    due = _due(1000)
    good = np.ones(1000, dtype=bool)
    good[300:] = False
    good[950:] = [True, False] * 25
    assert resilience.hysteresis(due, good, (0, 3 * S), (9 * S + S // 2, 10 * S)) == 0.5
    good[300:] = True
    assert resilience.hysteresis(due, good, (0, 3 * S), (8 * S, 10 * S)) == 1.0
    good[:300] = False
    assert resilience.hysteresis(due, good, (0, 3 * S), (8 * S, 10 * S)) is None


@pytest.mark.parametrize(("attempts", "logical", "known"), [(400, 100, 4.0), (100, 100, 1.0), (0, 100, 0.0)])
def test_amplification_is_attempts_per_request(attempts, logical, known):
    """Three retries at 100 % failure must read 4.00."""
    assert resilience.amplification(attempts, logical) == known
    assert resilience.amplification(attempts, 0) is None


def test_a_quantile_needs_ten_samples_beyond_it():
    """A p99 of fifty requests is their maximum under another name."""
    assert resilience.quantile_ms(np.arange(999) * 1_000_000, 0.99) is None
    assert resilience.quantile_ms(np.arange(1001) * 1_000_000, 0.99) == pytest.approx(990.0)


def requests_of(phase, attempts, late_ms):
    """Rows of requests that left so late."""
    rows = np.zeros(len(late_ms), dtype=samples.ROW)
    rows["phase"], rows["attempt"], rows["due_ns"] = phase, attempts, 1_000_000_000
    rows["start_ns"] = rows["due_ns"] + np.asarray(late_ms) * 1_000_000
    return rows


def test_late_requests_void_a_trial_only_where_the_generator_was_late():
    """A user would never see the trials that lost something: their second attempts leave when the first have failed."""
    on_time, late = requests_of(1, 1, [0] * 300), requests_of(1, 1, [40] * 10)
    assert passages.lag_p99_ms(on_time) == 0.0
    again, warm, never = requests_of(1, 2, [300] * 30), requests_of(0, 1, [300] * 30), requests_of(1, 1, [0])
    never["start_ns"] = -1
    assert passages.lag_p99_ms(np.concatenate([on_time, again, warm, never])) == 0.0
    assert passages.lag_p99_ms(np.concatenate([on_time, late])) == pytest.approx(40.0)
    assert passages.lag_p99_ms(never) is None
