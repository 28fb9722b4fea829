"""Quantiles of merged samples, and their intervals by resampling whole blocks.

A quantile is the smallest sample that at least a share q of all samples does not exceed: a value that was
seen, never one in between.  Percentiles are never averaged; samples are merged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from harness.model import Interval
from harness.stats.distributions import normal_quantile, t_critical

Samples = NDArray[np.int64]

BEYOND_TO_PRINT = 10
"""With fewer samples beyond it a quantile is a matter of a few accidents."""
BLOCKS_MIN = 4
"""Fewer blocks say next to nothing about the variation from block to block."""
RESAMPLES = 2_000
"""50 resamples beyond each end of a 95 % interval."""
GRID_MAX = 2_048
"""Values between which a resampled quantile is located; all of them where there are fewer."""


class RatioOfQuantiles(Struct, frozen=True):
    """One quantile of both arms and candidate ÷ baseline, from the same resamples."""

    baseline: Interval
    candidate: Interval
    ratio: Interval


def rank(n: int, q: float) -> int:
    """Rank (from 1) of the quantile `q` among `n` sorted samples."""
    # Rounding mends 0.29 * 100 = 28.999999999999996 before the ceiling makes a rank of it.
    return min(n, max(1, math.ceil(round(q * n, 6))))


def beyond(n: int, q: float) -> int:
    """How many of `n` samples lie beyond the quantile `q`."""
    return n - rank(n, q) if n > 0 else 0


def printable(n: int, q: float) -> bool:
    """Whether `n` samples suffice to print the quantile `q`."""
    return beyond(n, q) >= BEYOND_TO_PRINT


def quantile(samples: Samples, q: float) -> int | None:
    """Exact quantile of unsorted samples; None where there are none.  Does not judge `printable`."""
    return quantiles(samples, (q,))[0]


def quantiles(samples: Samples, qs: Sequence[float]) -> tuple[int | None, ...]:
    """Exact quantiles of unsorted samples in one partial sort; None where there are no samples."""
    n = len(samples)
    if n == 0:
        return tuple(None for _ in qs)
    indices = [rank(n, q) - 1 for q in qs]
    placed = np.partition(samples, sorted(set(indices)))
    return tuple(int(placed[index]) for index in indices)


def printed_quantiles(samples: Samples, qs: Sequence[float]) -> tuple[int | None, ...]:
    """Like `quantiles`, with None for each one that has too few samples beyond it."""
    values = quantiles(samples, qs)
    return tuple(v if printable(len(samples), q) else None for q, v in zip(qs, values, strict=True))


def quantile_ratio(
    baseline: Sequence[Samples], candidate: Sequence[Samples], q: float, confidence: float, seed: int
) -> RatioOfQuantiles | None:
    """One quantile of both arms and their ratio; block i of both arms is drawn together.

    Drawing both arms of a block together keeps what they had in common (the hour, the neighbours) out of the
    ratio.  None with fewer than `BLOCKS_MIN` blocks, unequal numbers of blocks or too few samples beyond.
    """
    if len(baseline) != len(candidate) or not _enough(baseline, q) or not _enough(candidate, q):
        return None
    weights = _weights(len(baseline), seed)
    below, above = _resampled(baseline, q, weights), _resampled(candidate, q, weights)
    points = _merged(baseline, q), _merged(candidate, q)
    n = len(baseline)
    return RatioOfQuantiles(
        baseline=_expanded(below, points[0], confidence, n),
        candidate=_expanded(above, points[1], confidence, n),
        ratio=_expanded(above / below, points[1] / points[0], confidence, n),
    )


def _enough(blocks: Sequence[Samples], q: float) -> bool:
    if len(blocks) < BLOCKS_MIN or any(len(block) == 0 for block in blocks):
        return False
    return printable(sum(len(block) for block in blocks), q)


def _weights(n: int, seed: int) -> NDArray[np.float64]:
    """How often each block occurs in each resample."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)


def _merged(blocks: Sequence[Samples], q: float) -> float:
    value = quantile(np.concatenate(blocks), q)
    return float(max(1, value or 0))


def _resampled(blocks: Sequence[Samples], q: float, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantile of every resample of blocks.

    The quantile of a mixture lies between the smallest and the largest quantile of its parts, so only the
    samples in that range matter: their cumulative counts per block, weighted, locate every quantile.
    """
    ordered = [np.sort(block) for block in blocks]
    parts = [int(block[rank(len(block), q) - 1]) for block in ordered]
    grid = _grid(ordered, min(parts), max(parts))
    counts = np.stack([np.searchsorted(block, grid, side="right") for block in ordered]).astype(np.float64)
    sizes = np.array([len(block) for block in ordered], dtype=np.float64)
    needed = np.ceil(np.round(q * (weights @ sizes), 6))
    found = np.empty(len(weights), dtype=np.int64)
    step = 256  # Resamples at a time: 256 × GRID_MAX floats are 4 MB.
    for start in range(0, len(weights), step):
        stop = start + step
        reached = weights[start:stop] @ counts >= needed[start:stop, None] - 0.5
        reached[:, -1] = True
        found[start:stop] = reached.argmax(axis=1)
    return np.maximum(1.0, grid[found].astype(np.float64))


def _grid(ordered: Sequence[Samples], low: int, high: int) -> Samples:
    """Distinct samples between `low` and `high`, thinned evenly by rank where there are too many."""
    inside = [
        block[np.searchsorted(block, low, side="left") : np.searchsorted(block, high, side="right")]
        for block in ordered
    ]
    total = sum(len(part) for part in inside)
    # Thin before merging: a few hundred thousand values locate 2,048 steps as well as 10 million do.
    stride = max(1, total // (GRID_MAX * 64))
    values = np.unique(np.concatenate([part[::stride] for part in inside]))
    if len(values) > GRID_MAX:
        values = values[np.linspace(0, len(values) - 1, GRID_MAX).round().astype(np.int64)]
    return np.unique(np.concatenate([values, np.array([low, high], dtype=np.int64)]))


def _expanded(resampled: NDArray[np.float64], point: float, confidence: float, n: int) -> Interval:
    """Percentile interval of logs, its arms stretched for a small number of blocks.

    A bootstrap of n blocks spreads by √((n−1)/n) too little and uses normal tails; both are mended as for
    a mean: arms × √(n/(n−1)) × t ÷ z.  Source: Hesterberg, "What Teachers Should Know about the Bootstrap",
    2015 (there by the level, here by the width, since few blocks have no far tail to look up).
    """
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.log(resampled), [tail, 1 - tail])
    stretch = math.sqrt(n / (n - 1)) * t_critical(confidence, n - 1) / -normal_quantile(tail)
    centre = math.log(point)
    return Interval(
        value=point,
        low=math.exp(centre - max(0.0, centre - float(low)) * stretch),
        high=math.exp(centre + max(0.0, float(high) - centre) * stretch),
        confidence=confidence,
    )
