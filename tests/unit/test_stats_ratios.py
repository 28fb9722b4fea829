"""Ratios of CPU per request from blocks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import Cost, Window
from harness.stats.ratios import block_log_ratio, cost_per_request_ns, instance_log_ratio
from tests.support.blocks import bare


def window(role, instance, number, cpu_ns, requests):
    """One slice of one process."""
    return Window(role, instance, number, 0, 1, cpu_ns, requests)


def test_cost_is_a_ratio_of_sums():
    """A mean of ratios would let a slice with one slow request weigh as much as a full one."""
    costs = [Cost("baseline", 0, 1_000, 1), Cost("baseline", 1, 1_000, 99), Cost("candidate", 0, 7, 1)]
    assert cost_per_request_ns(costs, "baseline") == 20.0


@pytest.mark.parametrize("bad", [Cost("baseline", 1, None, 10), Cost("candidate", 1, 5, 10)])
def test_an_unreadable_or_absent_arm_has_no_cost(bad):
    """A half-read arm would look cheap instead of unknown."""
    costs = [bad] if bad.role == "candidate" else [Cost("baseline", 0, 100, 10), bad]
    assert cost_per_request_ns(costs, "baseline") is None
    assert block_log_ratio(bare(costs)) is None


@given(
    st.tuples(*[st.integers(1, 10**12)] * 2),
    st.tuples(*[st.integers(1, 10**6)] * 2),
    st.integers(2, 1000),
)
def test_swapping_arms_flips_the_sign_and_units_do_not_matter(cpu, requests, scale):
    """A verdict must not depend on which arm is named first, nor on how long a block lasted."""
    forth = bare([Cost("baseline", 0, cpu[0], requests[0]), Cost("candidate", 0, cpu[1], requests[1])])
    back = bare([Cost("candidate", 0, cpu[0], requests[0]), Cost("baseline", 0, cpu[1], requests[1])])
    longer = bare([Cost(c.role, 0, c.cpu_ns * scale, c.requests * scale) for c in forth.costs])
    assert block_log_ratio(forth) == pytest.approx(-block_log_ratio(back))
    assert block_log_ratio(longer) == pytest.approx(block_log_ratio(forth), abs=1e-9)


def test_request_grain_uses_only_shared_slices():
    """A slice that lost one arm would tilt the ratio by the noise of that moment."""
    windows = [
        window("baseline", 0, 0, 100, 10),
        window("candidate", 0, 0, 200, 10),
        window("candidate", 0, 1, 9_000, 10),
        window("baseline", 0, 2, 100, 10),
        window("candidate", 0, 2, None, 10),
    ]
    costs = [Cost("baseline", 0, 200, 20), Cost("candidate", 0, 9_200, 30)]
    assert block_log_ratio(bare(costs, windows, "request")) == pytest.approx(math.log(2))
    assert block_log_ratio(bare(costs, windows, "slice")) == pytest.approx(math.log(9_200 / 30 / 10))


def test_double_difference_cancels_drift_between_slices():
    """The A/A control would trip on the weather between two slices instead of on the processes."""
    windows = []
    for number, (own, other, weather) in enumerate([(0, 0, 10), (1, 0, 15), (0, 1, 12), (1, 1, 30)]):
        windows += [
            window("baseline", own, number, (100 + 10 * own) * weather, 10),
            window("candidate", other, number, (300 + 50 * other) * weather, 10),
        ]
    costs = [
        Cost(role, instance, sum(w.cpu_ns for w in windows if (w.role, w.instance) == (role, instance)), 20)
        for role in ("baseline", "candidate")
        for instance in (0, 1)
    ]
    measured = bare(costs, windows, "request")
    assert instance_log_ratio(measured, "baseline") == pytest.approx(math.log(1.1))
    assert instance_log_ratio(measured, "candidate") == pytest.approx(math.log(350 / 300))
    plain = math.log(costs[1].cpu_ns / costs[0].cpu_ns)
    assert instance_log_ratio(bare(costs, windows, "slice"), "baseline") == pytest.approx(plain)


def test_without_a_shared_partner_the_plain_ratio_is_taken():
    """Pairs A1+B1 and A2+B2 would otherwise leave the session without any A/A."""
    windows = [window("baseline", i, i, 100 + i, 10) for i in (0, 1)] + [
        window("candidate", i, i, 100, 10) for i in (0, 1)
    ]
    costs = [Cost("baseline", i, 100 + i, 10) for i in (0, 1)] + [Cost("candidate", i, 100, 10) for i in (0, 1)]
    assert instance_log_ratio(bare(costs, windows, "request"), "baseline") == pytest.approx(math.log(1.01))


def test_one_process_has_no_aa():
    """A pair of arms without a second process would be reported as a perfect A/A."""
    costs = [Cost("baseline", 0, 100, 10), Cost("candidate", 0, 100, 10)]
    assert instance_log_ratio(bare(costs), "baseline") is None
