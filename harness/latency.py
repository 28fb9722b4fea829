"""Latency percentiles of a condition from the merged samples of its valid blocks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from harness.model import Block, Condition, Grain
from harness.stats.quantiles import printed_quantiles
from harness.store import blocks as store
from harness.store.samples import latencies_ns

POINTS = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}

SEND_LAG_SHARE_MAX = 0.10
"""Of a published quantile at most a tenth may be the generator's own lateness (p99 of start − due)."""


TAIL_GRAINS: tuple[Grain, ...] = ("block", "request", "slice")
"""Where several grains were measured, latencies come from the first of these.  A slice is the last choice: of a
stall that is longer than it, a slice sees the beginning."""

STALLS_IN_SLICE = 10
"""A slice shows tails only where it is this many times as long as the longest latency seen."""


def tail_grain(grains: Collection[Grain]) -> Grain | None:
    """Which of the grains latencies are taken from; None of none.  Never from two: they load the core differently."""
    return next((grain for grain in TAIL_GRAINS if grain in grains), None)


def of_condition(run: Path, blocks: Sequence[Block], condition: Condition) -> dict[str, dict[str, float | None]]:
    """Percentiles in ms by role; None with fewer than 10 samples beyond, or where too much is the generator's lag."""
    folders = {store.read_block(folder).number: folder for folder in store.block_folders(run)}
    usable = [block for block in blocks if block.condition == condition.name and not block.voids]
    grain = tail_grain({block.grain for block in usable})
    mine = [folders[block.number] for block in usable if block.grain == grain]
    found = {role: _of_role(mine, role, condition.load.model) for role in ("baseline", "candidate")}
    longest_ms = max((row["max_ms"] or 0.0 for row in found.values()), default=0.0)
    if grain == "slice" and longest_ms * STALLS_IN_SLICE > condition.slice_s * 1e3:
        tails = dict.fromkeys(("p95_ms", "p99_ms", "max_ms"))
        found = {role: {**row, **tails} for role, row in found.items()}
    lags = [block.send_lag_p99_ms for block in usable if block.grain == grain and block.send_lag_p99_ms is not None]
    least_ms = sum(lags) / len(lags) / SEND_LAG_SHARE_MAX if lags else 0.0
    return {role: {name: _above(value, least_ms) for name, value in row.items()} for role, row in found.items()}


def _above(value_ms: float | None, least_ms: float) -> float | None:
    return None if value_ms is None or value_ms < least_ms else value_ms


def _of_role(folders: list[Path], role: str, model: Literal["open", "closed"]) -> dict[str, float | None]:
    nothing: dict[str, float | None] = {**dict.fromkeys(POINTS), "max_ms": None}
    if not folders:
        return nothing
    values = latencies_ns(folders, role, model)
    if not len(values):
        return nothing
    printed = printed_quantiles(values, list(POINTS.values()))
    found = {name: None if value is None else value / 1e6 for name, value in zip(POINTS, printed, strict=True)}
    return {**found, "max_ms": float(values.max()) / 1e6}
