"""What the pilot chooses."""

from __future__ import annotations

import pytest
from msgspec import structs

from harness.model import App, Condition, Load, Target
from harness.pilot import FALLBACK_RPS, SLICE_MAX_S, SLICE_MIN_S, rate_for_half, slice_s
from tests.support.runs import block

CONDITION = Condition(
    name="x",
    regime="saturated",
    baseline=Target(spec="uvicorn"),
    candidate=Target(spec="granian"),
    app=App(),
    scenario="paths",
    parameters={},
    load=Load(model="closed", users=16),
    grains=("slice",),
)


def costing(us):
    """Give a block whose requests cost ``us`` in both arms."""
    found = block(1, "x", 1.0)
    costs = tuple(structs.replace(cost, requests=1000, cpu_ns=us * 1_000_000) for cost in found.costs)
    return structs.replace(found, costs=costs)


@pytest.mark.parametrize(
    ("us", "users", "seconds"), [(100, 16, 0.1), (400, 64, 0.3), (900, 64, 0.6), (9000, 16, 1.0), (10, 1, 0.1)]
)
def test_a_slice_is_long_beside_what_is_in_flight(us, users, seconds):
    """Lost otherwise: a slow app's slice would be all burst and no steady state."""
    what = structs.replace(CONDITION, load=Load(model="closed", users=users))
    assert slice_s(costing(us), what) == pytest.approx(seconds)


def test_a_rare_load_gets_long_slices():
    """Lost otherwise: slices of a slow open load would hold a request or two."""
    slow = structs.replace(CONDITION, load=Load(model="open", rate_rps=50))
    assert slice_s(costing(100), slow) == pytest.approx(0.4)
    assert slice_s(costing(100), structs.replace(slow, load=Load(model="open", rate_rps=5000))) == SLICE_MIN_S


def test_half_of_a_core_is_shared_by_both_arms():
    """Lost otherwise: the chosen rate would overload the arms or leave the meter nothing to read."""
    assert rate_for_half(costing(250)) == pytest.approx(1200, rel=0.1)


def test_arms_that_cannot_be_read_get_a_modest_rate_and_long_slices():
    """Lost otherwise: two URLs could not be compared without --rate."""
    found = block(1, "x", 1.0)
    unread = structs.replace(found, costs=tuple(structs.replace(cost, cpu_ns=None) for cost in found.costs))
    assert rate_for_half(unread) == FALLBACK_RPS
    assert slice_s(unread, CONDITION) == SLICE_MAX_S
