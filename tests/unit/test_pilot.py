"""What the pilot chooses."""

from __future__ import annotations

import pytest
from msgspec import structs

from harness.model import App, Condition, Load, Target
from harness.pilot import FALLBACK_RPS, LOAD, SLICE_MAX_S, SLICE_MIN_S, overrun, rate_for_half, slice_s, slower
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


def test_a_pilot_that_overran_the_arms_is_repeated_more_slowly():
    """Lost otherwise: a slow app's cost would be read off a queue, and its rate chosen several times too high."""
    calm = structs.replace(costing(100), utilisation=0.4, backend_share=0.1)
    assert not overrun(calm)
    assert overrun(structs.replace(calm, backend_share=0.5))
    loads = [LOAD]
    while (following := slower(loads[-1])) is not None:
        loads.append(following)
    assert [load.rate_rps for load in loads] == [300, 60, 12]


def test_what_stands_behind_the_arms_takes_its_part_of_half_a_core():
    """Lost otherwise: a database beside the arms would be overrun at the rate that suits the arms alone."""
    alone = rate_for_half(costing(100))
    behind = structs.replace(costing(100), backend_share=2 * 300 * 100e-6)
    assert rate_for_half(behind) == pytest.approx(alone / 2, rel=0.05)
