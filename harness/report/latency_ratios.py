"""Latency of one arm against the other: ratios of percentiles with intervals from whole blocks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from harness.report import words
from harness.stats.quantiles import quantile_ratio
from harness.store.samples import latencies_ns

QUANTILES = (0.5, 0.95, 0.99)
CONFIDENCE = 0.95
SEED = 20_261_124
"""A report that is written again shows the same interval."""

HEADER = ("condition, percentile", "candidate ÷ baseline", "95 % interval", "n (blocks)")
CAPTION = "Latency of the candidate against the baseline; intervals by resampling whole blocks, both arms together"


def rows(name: str, folders: Sequence[Path], model: Literal["open", "closed"]) -> list[tuple[str, ...]]:
    """One row per percentile of which there are enough blocks and samples."""
    arms = [[latencies_ns([folder], role, model) for folder in folders] for role in ("baseline", "candidate")]
    found: list[tuple[str, ...]] = []
    for q in QUANTILES:
        seen = quantile_ratio(arms[0], arms[1], q, CONFIDENCE, SEED)
        if seen is not None:
            span = words.interval(seen.ratio.low, seen.ratio.high)
            found.append((f"{name}, p{100 * q:g}", words.ratio(seen.ratio.value), span, str(len(folders))))
    return found
