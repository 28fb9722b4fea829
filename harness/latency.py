"""Latency percentiles of a condition from the merged samples of its valid blocks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from harness.model import Block, Condition
from harness.stats.quantiles import printed_quantiles
from harness.store import blocks as store
from harness.store.samples import latencies_ns

POINTS = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99}

SEND_LAG_SHARE_MAX = 0.10
"""A send lag beyond a tenth of the smallest published quantile is the generator's, not the arm's."""


def of_condition(run: Path, blocks: Sequence[Block], condition: Condition) -> dict[str, dict[str, float | None]]:
    """Percentiles in ms by role; None with fewer than 10 samples beyond.

    Samples come from the reference grain alone: grains load the core differently.
    """
    folders = {store.read_block(folder).number: folder for folder in store.block_folders(run)}
    grain = condition.grains[0]
    mine = [
        folders[block.number]
        for block in blocks
        if block.condition == condition.name and block.grain == grain and not block.voids
    ]
    return {role: _of_role(mine, role, condition.load.model) for role in ("baseline", "candidate")}


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
