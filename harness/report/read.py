"""Everything that a report is made of, read from a run folder; a partial run is read as far as it goes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from msgspec import Struct

from harness.model import Block, Condition, Interval
from harness.stats.intervals import ratio_interval
from harness.stats.pace import levelled
from harness.stats.quantiles import quantile
from harness.stats.ratios import block_log_ratio
from harness.store.blocks import REQUESTS_FILE, block_folders, read_block
from harness.store.folder import VERDICTS_FILE, open_run, read_json
from harness.store.run import Run, read_run
from harness.store.samples import latencies_ns

_QUANTILES = {"latency_p50_ms": 0.5, "latency_p95_ms": 0.95, "latency_p99_ms": 0.99}


class Kept(Struct, frozen=True):
    """One finished block with its folder."""

    folder: Path
    block: Block
    levelled: Block
    """The same with its CPU time taken to one pace, as the estimate has it; as metered where that is not."""

    @property
    def void(self) -> bool:
        """Whether the instrument was at fault."""
        return bool(self.block.voids)


class Material(Struct, frozen=True):
    """A run as it was found; ``verdicts`` is None where the session has none (yet)."""

    folder: Path
    run: Run
    blocks: tuple[Kept, ...]
    verdicts: dict[str, Any] | None

    @property
    def kind(self) -> str:
        """The kind of the verdict document, ``none`` without one."""
        return str(self.verdicts["kind"]) if self.verdicts else "none"


def read(folder: Path) -> Material:
    """Read a run folder; raises UsageError (exit 2) if it is none, damaged, or newer than this harness."""
    run = open_run(folder)
    verdicts = run / VERDICTS_FILE
    return Material(
        folder=run,
        run=read_run(run),
        blocks=_kept({path: read_block(path) for path in block_folders(run)}),
        verdicts=read_json(verdicts, dict[str, Any]) if verdicts.is_file() else None,
    )


def _kept(blocks: dict[Path, Block]) -> tuple[Kept, ...]:
    """Take the valid blocks of each cell to one pace together, and each void one beside them, not among them."""
    even: dict[Path, Block] = {}
    for kind in {(one.condition, one.grain) for one in blocks.values()}:
        mine = {path: one for path, one in blocks.items() if (one.condition, one.grain) == kind}
        valid = {path: one for path, one in mine.items() if not one.voids}
        even |= zip(valid, levelled(list(valid.values())) or (), strict=False)
        for path in mine.keys() - valid.keys():
            beside = levelled([*valid.values(), mine[path]])
            even |= {path: beside[-1]} if beside else {}
    return tuple(Kept(path, one, even.get(path, one)) for path, one in blocks.items())


def of_condition(material: Material, condition: Condition) -> tuple[Kept, ...]:
    """Return the blocks of one condition, void ones included, in the order of measurement."""
    return tuple(kept for kept in material.blocks if kept.block.condition == condition.name)


def log_ratio(kept: Kept, metric: str, model: str) -> float | None:
    """Return the log of candidate ÷ baseline of one block, or None where an arm has no such figure."""
    if metric not in _QUANTILES:
        return block_log_ratio(kept.levelled)
    if not (kept.folder / REQUESTS_FILE).is_file():
        return None
    seen = [
        quantile(latencies_ns([kept.folder], arm, "open" if model == "open" else "closed"), _QUANTILES[metric])
        for arm in ("candidate", "baseline")
    ]
    return math.log(seen[0] / seen[1]) if seen[0] and seen[1] else None


def simple_interval(logs: list[float], confidence: float = 0.95) -> Interval | None:
    """Return the plain t interval of block ratios, without calibration: for looking, not for deciding."""
    return ratio_interval(logs, confidence)
