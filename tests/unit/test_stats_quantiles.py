"""Quantiles of merged samples and their intervals over blocks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.stats import quantiles as q_

LADDER = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
SAMPLES = arrays.arrays(np.int64, st.integers(1, 300), elements=st.integers(0, 10**10))
SHARE = st.sampled_from([0.01, 0.29, 0.5, 0.57, 0.9, 0.95, 0.99, 0.999])


@given(SAMPLES, SHARE)
def test_a_quantile_is_the_smallest_sample_that_covers_its_share(samples, share):
    """A percentile between two samples is a latency that nobody had."""
    value = q_.quantile(samples, share)
    assert value in samples
    n = len(samples)
    assert (samples <= value).sum() >= share * n - 1e-6
    assert (samples < value).sum() < share * n + 1e-6


@given(SAMPLES, st.integers(1, 1000))
def test_quantiles_grow_with_q_and_scale_with_the_unit(samples, scale):
    """A p99 below the p95, or one that changes from ns to ms, discredits every table."""
    values = q_.quantiles(samples, LADDER)
    assert list(values) == sorted(values)
    assert q_.quantiles(samples * scale, LADDER) == tuple(v * scale for v in values)


@pytest.mark.parametrize(
    ("n", "share", "printed"),
    [(1000, 0.99, True), (999, 0.99, False), (100, 0.9, True), (0, 0.5, False), (9_999, 0.999, False), (20, 0.5, True)],
)
def test_what_may_be_printed(n, share, printed):
    """A percentile of three accidents would be quoted as a property of the server."""
    assert q_.printable(n, share) is printed


def test_no_samples_and_too_few_are_none():
    """An empty arm would show a latency of zero, the best of all."""
    assert q_.quantile(np.array([], dtype=np.int64), 0.5) is None
    assert q_.printed_quantiles(np.arange(100), (0.5, 0.99)) == (49, None)


def block_samples(generator, blocks, size, centre):
    """Latencies of blocks that each have a centre of their own."""
    return [generator.normal(centre[i], 1e5, size).astype(np.int64) for i in range(blocks)]


def test_interval_of_a_quantile_knows_that_blocks_differ():
    """Thousands of requests in a block would pass for thousands of repeats."""
    generator = np.random.default_rng(2)
    covered, widths = 0, []
    for _ in range(60):
        centre = 5e6 + generator.normal(0, 2e5, 8)
        blocks = block_samples(generator, 8, 300, centre)
        interval = q_.quantile_ratio(blocks, blocks, 0.5, 0.95, 7).baseline
        covered += interval.low <= 5e6 <= interval.high
        widths.append(interval.high - interval.low)
        assert interval.low <= interval.value <= interval.high
    assert covered >= 50
    assert np.mean(widths) > 2e5


def test_ratio_of_quantiles_cancels_what_the_arms_of_a_block_share():
    """A rough hour would drown a true difference of the two servers."""
    generator = np.random.default_rng(4)
    centre = 5e6 + generator.normal(0, 1e6, 10)
    baseline = block_samples(generator, 10, 500, centre)
    candidate = [(1.2 * block).astype(np.int64) for block in block_samples(generator, 10, 500, centre)]
    found = q_.quantile_ratio(baseline, candidate, 0.9, 0.95, 7)
    assert found.ratio.low <= 1.2 <= found.ratio.high
    relative = (found.baseline.high - found.baseline.low) / found.baseline.value
    assert (found.ratio.high - found.ratio.low) / found.ratio.value < relative / 2
    assert found == q_.quantile_ratio(baseline, candidate, 0.9, 0.95, 7)


def test_resampled_quantiles_are_those_of_the_resampled_samples():
    """The fast way to resample must give what the slow and plain one gives."""
    generator = np.random.default_rng(6)
    blocks = [generator.integers(1, 200, size) for size in (40, 70, 25, 60)]
    weights = q_._weights(4, 1)
    fast = q_._resampled(blocks, 0.9, weights)
    for row in range(0, len(weights), 97):
        drawn = np.concatenate([np.tile(b, int(w)) for b, w in zip(blocks, weights[row], strict=True)])
        assert fast[row] == q_.quantile(drawn, 0.9)


def test_too_few_blocks_or_samples_have_no_interval():
    """Three blocks cannot tell how blocks differ; a report must not pretend."""
    block = np.arange(1, 1001)
    assert q_.quantile_ratio([block] * 3, [block] * 3, 0.5, 0.95, 1) is None
    assert q_.quantile_ratio([block[:20]] * 4, [block[:20]] * 4, 0.99, 0.95, 1) is None
    assert q_.quantile_ratio([block] * 4, [block] * 5, 0.5, 0.95, 1) is None
    same = q_.quantile_ratio([block] * 4, [block] * 4, 0.5, 0.95, 1).ratio
    assert (same.low, same.value, same.high) == (1.0, 1.0, 1.0)


def test_large_samples_are_thinned_without_moving_the_quantile():
    """A long session has millions of requests, and its report must still end and be right."""
    generator = np.random.default_rng(8)
    blocks = [generator.exponential(1e6 * (1 + 0.02 * i), 150_000).astype(np.int64) for i in range(6)]
    interval = q_.quantile_ratio(blocks, blocks, 0.999, 0.95, 1).baseline
    assert interval.value == q_.quantile(np.concatenate(blocks), 0.999)
    assert interval.low < interval.value < interval.high
    assert math.log(interval.high / interval.low) < 0.2
