"""Blocks are taken to one pace of the core: what the pace did is taken off, what the arms did stays."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from harness.model import Cost, Window
from harness.stats.pace import SLOWDOWN_MAX, at_equal_pace, imbalance, levelled, refused, slowdown
from harness.stats.ratios import block_log_ratio, instance_log_ratio
from tests.support.blocks import bare

PROCESSES = [(role, instance) for role in ("baseline", "candidate") for instance in (1, 2)]


def block(shares, ratio, factor, *, number=0, requests=200):
    """Give a block in which a request costs 50 µs × e^(factor × slow share), the candidate's ``ratio`` times that."""
    windows = []
    for index, slow in enumerate(shares):
        role, instance = PROCESSES[index % len(PROCESSES)]
        cost_ns = 50_000 * math.exp(factor * slow) * (ratio if role == "candidate" else 1.0)
        windows.append(Window(role, instance, index, index, index + 1, round(cost_ns * requests), requests, slow))
    costs = tuple(
        Cost(
            role,
            instance,
            sum(one.cpu_ns for one in windows if (one.role, one.instance) == (role, instance)),
            sum(one.requests for one in windows if (one.role, one.instance) == (role, instance)),
        )
        for role, instance in PROCESSES
    )
    return bare(costs, windows, number=number)


SHARES = st.lists(st.floats(0, 1), min_size=16, max_size=40)


@given(SHARES, st.floats(0.5, 2), st.floats(0.05, SLOWDOWN_MAX - 0.05))
@settings(max_examples=60, deadline=None)
def test_what_the_pace_did_is_taken_off_and_the_arms_difference_stays(shares, ratio, factor):
    """Lost otherwise: an arm that ran while the core was slow would be called dear, or a true difference hidden."""
    shares[0], shares[4] = 0.0, 0.9
    (even,) = levelled([block(shares, ratio, factor)])
    assert block_log_ratio(even) == pytest.approx(math.log(ratio), abs=1e-4)
    assert instance_log_ratio(even, "baseline") == pytest.approx(0, abs=1e-4)


@given(st.floats(0, 1), st.floats(0.5, 2))
@settings(max_examples=20, deadline=None)
def test_at_one_pace_nothing_changes(share, ratio):
    """Lost otherwise: a calm machine's figures would be touched by a correction that it does not need."""
    one = block([share] * 16, ratio, 0.5)
    (even,) = levelled([one])
    assert block_log_ratio(even) == pytest.approx(block_log_ratio(one), abs=1e-9)


@given(SHARES, st.floats(0.5, 2))
@settings(max_examples=20, deadline=None)
def test_the_cost_of_a_process_is_the_sum_of_its_windows(shares, ratio):
    """Lost otherwise: a report's table and its verdict would rest on different figures."""
    (even,) = levelled([block(shares, ratio, 0.4)])
    for cost in even.costs:
        mine = [one.cpu_ns for one in even.windows if (one.role, one.instance) == (cost.role, cost.instance)]
        assert cost.cpu_ns == sum(mine)


def test_a_block_whose_pace_changed_only_between_processes_borrows_its_neighbours_slowdown():
    """Lost otherwise: a block during whose second process the core was slow would show that as a difference."""
    jump = [0.0 if index % 4 < 2 else 1.0 for index in range(16)]
    chance = random.Random(3)
    others = [block([chance.uniform(0, 1) for _ in range(32)], 1.1, 0.4, number=n) for n in (1, 2)]
    alone, among = levelled([block(jump, 1.1, 0.4)]), levelled([block(jump, 1.1, 0.4), *others])
    assert block_log_ratio(alone[0]) > math.log(1.3)
    assert block_log_ratio(among[0]) == pytest.approx(math.log(1.1), abs=1e-3)


def test_a_window_without_a_look_or_a_figure_leaves_the_whole_cell_as_metered():
    """Lost otherwise: half of a block would be corrected, which favours one half."""
    whole = block([0.0, 0.9] * 8, 1.1, 0.4)
    for change in ({"slow": None}, {"cpu_ns": None}, {"requests": 0}):
        holed = structs.replace(whole, windows=(structs.replace(whole.windows[0], **change), *whole.windows[1:]))
        assert at_equal_pace(holed.windows) is None
        assert imbalance(holed) is None
        assert levelled([whole, holed]) is None
    assert levelled([]) is None
    assert levelled([block([0.5] * 4, 1.1, 0.4)]) is None


def test_a_pace_that_one_arm_slows_down_itself_is_refused():
    """Lost otherwise: an arm that fouls the watcher's caches would have its own cost taken off."""
    chance = random.Random(5)
    chanced = [block([chance.uniform(0, 1) for _ in range(32)], 1.1, 0.4, number=n) for n in range(8)]
    assert not refused(chanced)
    fouled = [
        block([chance.uniform(0, 0.1) + (0.1 if i % 4 > 1 else 0) for i in range(32)], 1.1, 0.4, number=n)
        for n in range(8)
    ]
    assert refused(fouled)
    assert levelled(fouled) is None


def test_the_slowdown_is_bounded_by_what_software_can_do():
    """Lost otherwise: noise in a calm block could turn the correction round."""
    assert slowdown([block([0.0, 0.1, 0.2] * 6, 1.0, 9.0).windows]) == SLOWDOWN_MAX
    assert slowdown([block([0.0, 0.1, 0.2] * 6, 1.0, -9.0).windows]) == 0.0
    assert slowdown([block([0.3] * 16, 1.0, 0.5).windows]) == 0.0
