"""When a service works again, and how sure a share is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.recovery import recovered_ns
from harness.stats.shares import difference_p, share_interval

MS = 1_000_000


def stream(count=1000, every_ms=10, bad=()):
    """Give requests at equal gaps, those whose number is in ``bad`` failing."""
    due = np.arange(count) * every_ms * MS
    good = np.ones(count, dtype=bool)
    good[list(bad)] = False
    return due, good


@given(st.integers(1, 300), st.integers(0, 1000))
def test_recovery_is_the_first_success_after_an_outage(length, seed):
    """Lost otherwise: the time to recover would be a guess; here it is known to the request."""
    due, good = stream(bad=range(200, 200 + length))
    shuffled = np.random.default_rng(seed).permutation(len(due))
    assert recovered_ns(due[shuffled], good[shuffled], 200 * 10 * MS) == (200 + length) * 10 * MS


def test_a_single_success_between_failures_is_no_recovery():
    """Lost otherwise: a server that answers once and dies again would be called recovered."""
    due, good = stream(bad=[*range(200, 250), *range(251, 400)])
    assert recovered_ns(due, good, 2000 * MS) == 4000 * MS


def test_five_per_cent_may_fail_and_not_more():
    """Lost otherwise: the definition (95 % of 100 requests) would not be the one that is printed."""
    assert recovered_ns(*stream(bad=range(205, 300, 20)), 2000 * MS) == 2000 * MS
    assert recovered_ns(*stream(bad=range(202, 300, 10)), 2000 * MS) > 2000 * MS


def test_a_load_that_ends_too_early_tells_nothing():
    """Lost otherwise: the last few lucky requests would be taken for a recovery."""
    due, good = stream(count=350, bad=range(200, 260))
    assert recovered_ns(due, good, 2000 * MS) is None
    assert recovered_ns(due, good, 10_000 * MS) is None


@given(st.integers(1, 200), st.data())
def test_a_share_lies_in_its_interval_and_the_ends_are_exact(trials, data):
    """Lost otherwise: "8 of 8" would look like certainty."""
    events = data.draw(st.integers(0, trials))
    found = share_interval(events, trials, 0.95)
    assert 0 <= found.low <= found.value <= found.high <= 1
    if events == trials:
        assert found.low == pytest.approx(0.025 ** (1 / trials))
    if events == 0:
        assert found.high == pytest.approx(1 - 0.025 ** (1 / trials))


@pytest.mark.parametrize(("events", "trials"), [(0, 0), (-1, 4), (5, 4)])
def test_impossible_shares_are_refused(events, trials):
    """Lost otherwise: a slip in counting would get an interval."""
    with pytest.raises(ValueError, match="no share"):
        share_interval(events, trials, 0.95)


def test_fishers_test_gives_the_tabled_values():
    """Lost otherwise: "it depends" would be said, or not said, by a wrong p-value."""
    assert difference_p((0, 4), (4, 4)) == pytest.approx(2 / 70)
    assert difference_p((0, 8), (8, 8)) == pytest.approx(2 / 12870)
    # The lady tasting tea: 3 of 4 cups right.
    assert difference_p((3, 4), (1, 4)) == pytest.approx(34 / 70)


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_fishers_p_is_a_probability_and_symmetric(n, m, data):
    """Lost otherwise: the order of two conditions would change the verdict."""
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    p = difference_p((a, n), (b, m))
    assert 0 < p <= 1
    assert p == pytest.approx(difference_p((b, m), (a, n)))
