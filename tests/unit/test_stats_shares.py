"""Whether several shares are one: known tables, and how often chance alone is called a difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from harness.stats.shares import difference_p, heterogeneity_p, sign_p


def test_two_shares_have_fishers_exact_test():
    """A claim on two servers would be judged by a draw where it can be judged exactly."""
    assert heterogeneity_p([(0, 8), (8, 8)]) == difference_p((0, 8), (8, 8)) == pytest.approx(2 / 12870)


def test_several_shares_that_differ_are_told_apart_and_equal_ones_are_not():
    """A verdict of "it depends" would need a pair so extreme that few trials could show it."""
    assert heterogeneity_p([(0, 6)] * 7 + [(6, 6)] * 7) < 0.001
    assert heterogeneity_p([(3, 6)] * 14) > 0.9
    assert heterogeneity_p([(0, 6)] * 14) == heterogeneity_p([(6, 6)] * 14) == 1.0


def test_chance_is_called_a_difference_as_seldom_as_it_says():
    """Five verdicts in a hundred would be conditional for no reason."""
    draw = np.random.default_rng(3)
    found = [heterogeneity_p([(int(draw.binomial(8, 0.3)), 8) for _ in range(6)]) < 0.05 for _ in range(300)]
    assert np.mean(found) < 0.08


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_the_exact_one_of_a_library(first, second):
    """A practice that caught more faults than another by chance would be called better."""
    assert sign_p(first, second) == pytest.approx(binomtest(first, first + second).pvalue if first + second else 1.0)
