"""Intervals, their combination over grains, and the session's controls."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats.aa import aa_control
from harness.stats.envelope import combine, grain_figure
from harness.stats.intervals import (
    LOG_MAX,
    bca_interval,
    ratio_interval,
    standard_deviation,
    t_interval,
    t_p_value,
)

VALUES = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=30)


@pytest.mark.parametrize(("n", "confidence"), [(3, 0.95), (8, 0.95), (8, 0.99), (24, 0.99)])
def test_t_interval_covers_as_often_as_it_says(n, confidence):
    """Every verdict rests on this rate."""
    rows = np.random.default_rng(11).normal(0.02, 0.01, size=(4_000, n)).tolist()
    intervals = [t_interval(row, confidence) for row in rows]
    covered = np.mean([i.low <= 0.02 <= i.high for i in intervals])
    assert covered == pytest.approx(confidence, abs=4 * math.sqrt(confidence * (1 - confidence) / 4_000))


@given(VALUES, st.floats(1.0, 3.0))
def test_inflation_and_confidence_only_widen(values, inflation):
    """A calibrated interval that became narrower would claim what the bank denies."""
    plain, strict = t_interval(values, 0.95), t_interval(values, 0.99)
    wide = t_interval(values, 0.95, inflation)
    assert wide.low <= plain.low <= plain.value <= plain.high <= wide.high
    assert strict.low <= plain.low
    assert strict.high >= plain.high
    assert wide.value == plain.value


@given(VALUES, st.floats(-1.0, 1.0))
def test_a_common_shift_moves_the_interval_and_nothing_else(values, shift):
    """A ratio measured on a machine half as fast must keep its precision."""
    plain, moved = t_interval(values, 0.95), t_interval([v + shift for v in values], 0.95)
    assert moved.high - moved.low == pytest.approx(plain.high - plain.low, abs=1e-9)
    assert moved.value == pytest.approx(plain.value + shift, abs=1e-9)


@given(VALUES)
def test_ratio_interval_of_swapped_arms_is_the_inverse(values):
    """`duel A B` and `duel B A` must tell the same story."""
    forth, back = ratio_interval(values, 0.99), ratio_interval([-v for v in values], 0.99)
    assert forth.low == pytest.approx(1 / back.high)
    assert forth.value == pytest.approx(1 / back.value)


def test_an_interval_without_end_stays_a_number():
    """Infinity in the document is not JSON, and a report would fail after an hour of measuring."""
    interval = ratio_interval([-0.4, 0.4], 0.99999999)
    assert 0 < interval.low < interval.high <= math.exp(LOG_MAX)


def test_fewer_than_two_blocks_have_no_interval():
    """One block would be shown as certain."""
    assert t_interval([0.1], 0.95) is None
    assert ratio_interval([], 0.95) is None
    assert standard_deviation([1.0]) is None
    assert t_p_value([0.1]) is None


@given(VALUES.filter(lambda v: (standard_deviation(v) or 0) > 1e-3))
def test_p_value_and_interval_agree(values):
    """A sentence could say "significant" beside an interval that includes no difference."""
    interval = t_interval(values, 0.95, 1.3)
    excluded = not interval.low <= 0 <= interval.high
    p = t_p_value(values, inflation=1.3)
    assert excluded == (p < 0.05) or p == pytest.approx(0.05)


def test_bca_needs_twenty_blocks_repeats_itself_and_covers():
    """A second opinion that changes from report to report, or is too narrow, is none."""
    generator = np.random.default_rng(5)
    values = generator.normal(0.01, 0.02, 24).tolist()
    assert bca_interval(values[:19], 0.95, 1) is None
    assert bca_interval(values, 0.95, 1) == bca_interval(values, 0.95, 1)
    near = t_interval(values, 0.95)
    assert bca_interval(values, 0.95, 1).low == pytest.approx(near.low, abs=0.003)
    rows = generator.gamma(2.0, 0.5, size=(150, 40)).tolist()
    covered = np.mean([(i := bca_interval(row, 0.95, 3)).low <= 1.0 <= i.high for row in rows])
    assert covered >= 0.88
    assert bca_interval([0.1] * 20, 0.95, 1).low == pytest.approx(0.1)


def test_envelope_spans_all_grains_and_keeps_the_reference_point():
    """A precise but biased grain would otherwise overrule the lone server in steady state."""
    slices = grain_figure("slice", [0.08, 0.081, 0.079, 0.08])
    blocks = grain_figure("block", [0.05, 0.07, 0.06, 0.04])
    both = combine({"slice": slices, "block": blocks}, "block")
    assert both.shown.value == pytest.approx(math.exp(0.055))
    assert both.shown.low == blocks.shown.low
    assert both.shown.high >= slices.shown.high
    assert both.grain_spread == pytest.approx(0.025)
    assert both.grains_differ
    assert both.decided.low <= both.shown.low
    alone = combine({"slice": slices}, "slice")
    assert (alone.grain_spread, alone.grains_differ, alone.shown) == (None, False, slices.shown)
    assert combine({"slice": slices}, "block") is None
    assert grain_figure("slice", [0.1]) is None


def test_grains_that_agree_are_not_said_to_differ():
    """Noise between grains would be sold as a property of the design."""
    wide = grain_figure("block", [0.0, 0.1, -0.05, 0.12])
    narrow = grain_figure("slice", [0.04, 0.05, 0.045, 0.042])
    assert not combine({"slice": narrow, "block": wide}, "slice").grains_differ


def test_an_aa_offset_widens_both_sides():
    """A session whose control failed would publish the interval of a sound one."""
    plain = grain_figure("slice", [0.01, 0.02, 0.03])
    widened = grain_figure("slice", [0.01, 0.02, 0.03], offset=0.05)
    assert widened.shown.low == pytest.approx(plain.shown.low * math.exp(-0.05))
    assert widened.decided.high == pytest.approx(plain.decided.high * math.exp(0.05))


def test_aa_control_trips_rarely_on_sound_processes_and_surely_on_an_offset():
    """A control that cries wolf is switched off; one that never trips guards nothing."""
    rows = np.random.default_rng(3).normal(0, 0.01, size=(3_000, 10))
    assert sum(aa_control(row.tolist()).tripped for row in rows) <= 10
    tripped = aa_control((rows[0] + 0.05).tolist())
    assert tripped.tripped
    assert tripped.offset == pytest.approx(abs(rows[0].mean() + 0.05))
    assert "wider" in tripped.sentence
    assert not aa_control([0.5]).tripped
