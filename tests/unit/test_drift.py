"""The halves of a block measure the same thing, or the block is void."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import Window
from harness.validity import DRIFT_MAX, drift


def windows(order, cost_ns):
    """Give windows of 100 answers, one after the other; ``cost_ns`` of (role, instance, nth window of it)."""
    seen: dict[tuple[str, int], int] = {}
    found = []
    for index, who in enumerate(order):
        seen[who] = seen.get(who, -1) + 1
        found.append(Window(*who, index, index, index + 1, round(100 * cost_ns(*who, seen[who])), 100))
    return tuple(found)


LONE = [(role, instance) for role, instance in (("baseline", 1), ("candidate", 1), ("candidate", 2), ("baseline", 2))]
ONE_AFTER_THE_OTHER = [who for who in LONE for _ in range(6)]
IN_TURN = LONE * 6


@given(st.floats(0.8, 1.25), st.floats(0.8, 1.25))
def test_processes_that_differ_do_not_drift(first, second):
    """Lost otherwise: blocks whose processes differ would be thrown away, and the estimate's interval would lie."""
    factor = {("baseline", 1): first, ("candidate", 1): second}
    for order in (ONE_AFTER_THE_OTHER, IN_TURN):
        found = windows(order, lambda role, instance, _: 1e5 * factor.get((role, instance), 1.0))
        assert drift(found) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("order", [ONE_AFTER_THE_OTHER, IN_TURN])
def test_an_arm_that_grows_dearer_is_found(order):
    """Lost otherwise: a leak or a cache that fills would be published as the arm's steady state."""
    found = windows(order, lambda role, _, nth: 1e5 * (1.2 if role == "candidate" and nth > 2 else 1.0))
    assert drift(found) == pytest.approx(math.log(1.2), abs=1e-4)
    assert drift(found) > DRIFT_MAX


def test_too_little_or_an_unreadable_arm_shows_no_drift():
    """Lost otherwise: an attached service's blocks would all be void."""
    assert drift(windows(LONE[:3], lambda *_: 1e5)) is None
    readable = windows(IN_TURN, lambda *_: 1e5)
    assert drift(tuple(one for one in readable if one.role == "baseline")) is None
