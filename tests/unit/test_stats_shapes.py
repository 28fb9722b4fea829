"""Shapes of curves: known growths, crossings and optima are found, and noise is not taken for one."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import shapes

PLACES = (10.0, 100.0, 1_000.0, 10_000.0, 100_000.0)


def _curves(value, blocks: int, noise: float, seed: int = 1) -> list[dict[float, float]]:
    draw = random.Random(seed)
    return [{at: value(at) * math.exp(draw.gauss(0, noise)) for at in PLACES} for _ in range(blocks)]


def test_a_known_crossing_lies_between_places_that_were_measured():
    """The depth at which offset costs twice a cursor would be read off by eye, or be wrong."""
    flat = _curves(lambda _: 1.0, 8, 0.02)
    steep = _curves(lambda at: 1.0 + at / 3_000, 8, 0.02, seed=2)
    found = shapes.crossing(steep, flat, 2.0, 0.95)
    assert found.at is not None
    assert (found.at.low, found.at.high) == (1_000, 10_000)
    assert found.at.low < found.at.value < found.at.high


@pytest.mark.parametrize("jump", [1_100.0, 9_900.0])
def test_a_jump_anywhere_between_two_places_lies_in_the_interval(jump):
    """A median that jumps from misses to hits at 50 % was published as crossing at 40 %, give or take 2."""
    flat = _curves(lambda _: 1.0, 8, 0.02)
    found = shapes.crossing(_curves(lambda at: 0.6 if at < jump else 2.3, 8, 0.02, seed=2), flat, 1.0, 0.95)
    assert found.at is not None
    assert found.at.low <= jump <= found.at.high
    assert found.at.high / found.at.low == pytest.approx(10)


@pytest.mark.parametrize("truth", [300.0, 1_000.0, 2_900.0])
def test_intervals_of_crossings_cover_the_truth_as_often_as_they_say(truth):
    """A published depth would be contradicted by the next run."""
    held = claimed = 0
    for seed in range(300):
        flat = _curves(lambda _: 1.0, 8, 0.2, seed=2 * seed)
        power = _curves(lambda at: (at / truth) ** 0.2 * 2, 8, 0.2, seed=2 * seed + 1)
        found = shapes.crossing(power, flat, 2.0, 0.95)
        # Where an end of the grid is not told from the level, no interval is claimed: that may be seldom.
        claimed += found.at is not None
        held += found.at is None or found.at.low <= truth <= found.at.high
    assert claimed > 150
    assert held / 300 > 0.93


@given(st.lists(st.lists(st.floats(-1, 1), min_size=5, max_size=5), min_size=2, max_size=8), st.floats(0.4, 2.5))
def test_whatever_the_noise_the_likeliest_place_lies_between_the_ends(logs, level):
    """A verdict would name a place outside of its own interval."""
    upper = [dict(zip(PLACES, map(math.exp, one), strict=True)) for one in logs]
    found = shapes.crossing(upper, [dict.fromkeys(PLACES, 1.0) for _ in logs], level, 0.95)
    if found.at is not None:
        assert found.at.low <= found.at.value <= found.at.high


@pytest.mark.parametrize(("level", "below"), [(0.5, 8), (100.0, 0)])
def test_a_crossing_outside_the_grid_is_said_to_be_outside(level, below):
    """The end of the grid would be published as the place of the crossing."""
    flat = _curves(lambda _: 1.0, 8, 0.01)
    found = shapes.crossing(_curves(lambda _: 1.2, 8, 0.01, seed=3), flat, level, 0.95)
    assert found.at is None
    assert (found.n, found.below) == (8, below)


def test_growth_is_last_over_first():
    """A page that got fifty times slower would be called flat."""
    found = shapes.growth(_curves(lambda at: at / 10, 8, 0.05), 0.99)
    assert found is not None
    assert found.low < 10_000 < found.high


def test_the_best_place_is_found_and_the_end_compared_with_it():
    """A pool would be sized by its noisiest measurement."""
    found = shapes.optimum(_curves(lambda at: 2.0 if at == 1_000 else 1.0, 8, 0.02), 0.99)
    assert found is not None
    assert found.best == 1_000
    assert found.last is not None
    assert found.last.low < 0.5 < found.last.high


def test_an_optimum_of_noise_alone_is_worth_nothing():
    """The luckiest of ten equal settings would be recommended."""
    wins = 0
    for seed in range(200):
        found = shapes.optimum(_curves(lambda _: 1.0, 8, 0.05, seed=seed), 0.99)
        assert found is not None
        assert found.last is not None
        wins += found.last.high < 1.0
    assert wins <= 8


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30))
def test_pooling_gives_a_rising_line_of_the_same_mean(values):
    """A crossing would be searched on a line that falls, and be found twice."""
    risen = shapes._rising(values)
    assert len(risen) == len(values)
    assert all(one <= other + 1e-9 for one, other in pairwise(risen))
    assert math.isclose(math.fsum(risen), math.fsum(values), abs_tol=1e-6)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30))
def test_a_rising_line_stays_as_it_is(values):
    """Places would move though nothing was wrong with them."""
    assert shapes._rising(sorted(values)) == pytest.approx(sorted(values))


def test_too_few_blocks_give_no_interval():
    """One block would be published with an interval of no width."""
    one = _curves(lambda at: at, 1, 0.0)
    assert shapes.growth(one, 0.95) is None
    assert shapes.optimum(_curves(lambda at: at, 2, 0.0), 0.95) is None
    assert shapes.crossing(one, _curves(lambda _: 100.0, 1, 0.0), 2.0, 0.95).at is None
