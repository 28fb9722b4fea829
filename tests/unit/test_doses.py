"""What a dose block is said to have injected."""

from __future__ import annotations

import math

import pytest

from harness.model import Cost
from harness.selftest import doses
from tests.support.blocks import bare


def costs(baseline_ns, candidate_ns, requests=1000):
    """Give what two arms cost per request."""
    return [
        Cost(role=role, instance=1, cpu_ns=ns * requests, requests=requests, pss_bytes=None, processes=1, threads=1)
        for role, ns in (("baseline", baseline_ns), ("candidate", candidate_ns))
    ]


def ledger(burned_ns, behind_ns, requests=1000):
    """Give what both arms tell of themselves, per request: 1 µs of metering and 10 µs of answering in both."""
    return [
        {
            "role": role,
            "requests": requests,
            "burned_cpu_ns": (1_000 + more * burned_ns) * requests,
            "behind_cpu_ns": (10_000 + more * behind_ns) * requests,
        }
        for role, more in (("baseline", 0), ("candidate", 1))
    ]


def told(dose_us, burned_ns, behind_ns, grain="slice"):
    """Give a block on whose baseline a request costs 50 µs."""
    block = bare(costs(50_000, 50_000 + burned_ns + behind_ns), grain=grain)
    return doses.dosed_of(dose_us, block, ledger(burned_ns, behind_ns))


def test_a_burn_counts_with_what_it_makes_the_code_behind_it_dearer():
    """Lost otherwise: a right instrument would be called wrong by what only the app's caches know."""
    blocks = [told(20, 20_000, 1_000), told(10, 10_000, 500), told(0, 0, 0)]
    assert doses.behind_per_burned(blocks) == pytest.approx(0.05)
    for point, whole_us in zip(doses.points_of(blocks, 0.05), (71, 60.5, 50), strict=True):
        assert point.injected == pytest.approx(math.log(whole_us / 50))
        assert point.measured == pytest.approx(point.injected)
    assert doses.points_of(blocks, 0.05)[0].burned == pytest.approx(math.log(71 / 51))


def test_an_arm_that_tells_more_of_its_answers_moves_the_truth_by_its_burn_only():
    """Lost otherwise: pace and chance in the code behind a burn of nothing would pass for an injected truth."""
    blocks = [told(0, 0, 3_000), told(0, 0, -1_000)]
    assert doses.behind_per_burned(blocks) == 0
    assert [point.injected for point in doses.points_of(blocks, 0.05)] == [0, 0]


@pytest.mark.parametrize("cell", doses.CELLS, ids=lambda cell: cell.name)
def test_in_the_block_grain_the_share_behind_a_burn_is_that_of_the_slices(cell):
    """Lost otherwise: a pace that met one arm only would enter the truth and the ratio alike, and hide an error."""
    dearer = doses.dearer_in(cell, [told(20, 20_000, 5_000, grain=cell.grain)], {"open": 0.01, "closed": 0.02})
    assert dearer == pytest.approx({"open": 0.01, "closed": 0.02}[cell.work.model] if cell.grain == "block" else 0.25)


def test_a_block_without_a_figure_is_left_out():
    """Lost otherwise: one server that could not be read would end the self-test, or bend its line."""
    unread = bare([one for one in costs(50_000, 60_000) if one.role == "candidate"])
    assert doses.dosed_of(10, unread, ledger(10_000, 0)) is None
