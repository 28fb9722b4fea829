"""Looks, power, families of tests, interactions and doses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats.dose import dose_response
from harness.stats.heterogeneity import interaction
from harness.stats.holm import holm
from harness.stats.intervals import t_interval
from harness.stats.looks import look_alphas, planned_looks, schedule
from harness.stats.power import noise_floor

LOOKS = st.sets(st.integers(2, 400), min_size=1, max_size=8).map(lambda s: tuple(sorted(s)))


@given(LOOKS, st.sampled_from([0.05, 0.01, 0.001]))
def test_looks_never_spend_more_than_alpha(looks, alpha):
    """Looking often until something shows would turn noise into verdicts."""
    spent = look_alphas(looks, alpha)
    assert len(spent) == len(looks)
    assert all(0 < part <= alpha for part in spent)
    assert math.fsum(spent) <= alpha * (1 + 1e-12)
    assert spent[-1] == max(spent) or looks[-2] / looks[-1] > 0.5


def test_looks_keep_the_error_of_a_whole_session():
    """The rate that counts is the one of a session that stops at its first significant look."""
    plan = schedule((6, 12, 18, 24))
    rows = np.random.default_rng(9).normal(0, 1, size=(3_000, 24))
    wrong = 0
    for row in rows.tolist():
        wrong += any(
            not (i := t_interval(row[: look.blocks], look.interval_confidence)).low <= 0 <= i.high for look in plan
        )
    assert wrong / 3_000 <= 0.05 + 0.006
    assert plan[-1].interval_confidence < 0.975


@pytest.mark.parametrize("looks", [(), (4, 4), (6, 2), (0, 3)])
def test_a_schedule_that_goes_back_is_refused(looks):
    """A plan with its looks out of order would spend error twice without a word."""
    with pytest.raises(ValueError, match="increasing"):
        look_alphas(looks, 0.05)


@given(st.integers(1, 500), st.integers(1, 6))
def test_planned_looks_end_at_the_budget(blocks_max, count):
    """A session would stop short of the blocks that were paid for."""
    looks = planned_looks(blocks_max, count=count)
    assert looks[-1] == blocks_max
    assert list(looks) == sorted(set(looks))
    assert len(looks) <= count


@pytest.mark.parametrize("n", [4, 10, 24])
def test_noise_floor_is_found_with_95_percent_power(n):
    """A session that cannot see 2 % would report that there are no 2 %."""
    floor = noise_floor(0.02, n)
    rows = np.random.default_rng(n).normal(math.log1p(floor), 0.02, size=(4_000, n)).tolist()
    found = np.mean([t_interval(row, 0.99).low > 0 for row in rows])
    assert found == pytest.approx(0.95, abs=0.014)


@given(st.floats(1e-4, 0.05), st.integers(3, 200), st.floats(1.0, 3.0))
@settings(max_examples=50)
def test_noise_floor_falls_with_blocks_and_grows_with_noise(sd, n, inflation):
    """A plan would advise fewer blocks for a finer effect."""
    floor = noise_floor(sd, n)
    assert noise_floor(sd, n + 1) < floor
    assert noise_floor(sd * 2, n) > floor
    assert noise_floor(sd, n, inflation=inflation) >= floor
    assert noise_floor(sd, 1) is None


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_adjusts_between_the_plain_value_and_bonferroni(p_values):
    """A claim over twenty conditions would be decided by the luckiest one."""
    adjusted = holm(p_values)
    assert all(
        plain <= new <= min(1.0, plain * len(p_values)) + 1e-12 or new == max(adjusted)
        for plain, new in zip(p_values, adjusted, strict=True)
    )
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    assert [adjusted[i] for i in order] == sorted(adjusted)


def test_holm_of_a_known_family():
    """A slip in the steps would be invisible in any single verdict."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_interaction_is_found_and_not_invented():
    """Noise would be called a dependence, or a true dependence averaged away."""
    generator = np.random.default_rng(12)
    null = [interaction(generator.normal(0.02, sd, size=(4, 6)).tolist()) for sd in [0.01] * 2_000]
    assert np.mean([h.p < 0.01 for h in null]) <= 0.02
    different = interaction([generator.normal(m, 0.01, 8).tolist() for m in (0.0, 0.08)])
    assert different.p < 1e-4
    assert interaction([[0.1, 0.2], [0.3]]) is None


@given(st.floats(0.1, 10))
@settings(max_examples=20)
def test_interaction_does_not_depend_on_the_unit(scale):
    """The answer would change between log-ratios and per cent."""
    groups = [[0.1, 0.12, 0.11], [0.2, 0.18, 0.25], [0.15, 0.16, 0.1]]
    scaled = interaction([[v * scale for v in group] for group in groups])
    assert scaled.p == pytest.approx(interaction(groups).p)


def test_two_conditions_agree_with_welchs_t_test():
    """The formula is checked against an independent one where both apply."""
    from scipy.stats import ttest_ind  # noqa: PLC0415  (slow to import, needed here alone)

    a, b = [0.1, 0.14, 0.11, 0.09], [0.2, 0.12, 0.25, 0.19, 0.22]
    assert interaction([a, b]).p == pytest.approx(ttest_ind(a, b, equal_var=False).pvalue)


def test_dose_response_sees_attenuation_that_an_aa_never_shows():
    """A design that shows a third of a difference passes every A/A."""
    generator = np.random.default_rng(1)
    injected = np.repeat(np.log([1.0, 1.02, 1.05, 1.1]), 8)
    noise = generator.normal(0, 0.0008, len(injected))
    right = dose_response(injected.tolist(), (injected + noise).tolist())
    hidden = dose_response(injected.tolist(), (0.5 * injected + noise).tolist())
    shifted = dose_response(injected.tolist(), (injected + 0.01 + noise).tolist())
    for found in (right, shifted):
        assert 0.97 <= found.slope.low < found.slope.high <= 1.03
    for found in (right, hidden):
        assert -0.003 <= found.intercept.low < found.intercept.high <= 0.003
    assert hidden.slope.high < 0.97
    assert shifted.intercept.low > 0.003
    noisy = dose_response(injected.tolist(), (injected + noise * 50).tolist())
    assert noisy.slope.low < 0.97
    assert noisy.slope.high > 1.03
    assert dose_response([0.1, 0.1, 0.1], [1.0, 2.0, 3.0]) is None
    assert dose_response([0.1, 0.2], [0.1, 0.2]) is None


def test_dose_intervals_cover():
    """The self-test's own intervals decide whether the instrument is trusted."""
    generator = np.random.default_rng(21)
    injected = np.repeat([0.0, 0.02, 0.05], 4).tolist()
    fits = [
        dose_response(injected, (np.array(injected) + generator.normal(0, 0.01, 12)).tolist()) for _ in range(1_500)
    ]
    assert np.mean([f.slope.low <= 1 <= f.slope.high for f in fits]) == pytest.approx(0.95, abs=0.02)
    assert np.mean([f.intercept.low <= 0 <= f.intercept.high for f in fits]) == pytest.approx(0.95, abs=0.02)
