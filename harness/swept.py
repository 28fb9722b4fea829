"""What a block of a sweep saw of each cell of its grid, and how these figures are taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from harness import __version__, load
from harness.claims.claim import Cell
from harness.model import Check, Void, Window
from harness.stats.quantiles import printed_quantiles


class Seen(Struct, frozen=True):
    """What one block saw of one cell; None where it could not be had."""

    subject: str
    at: float
    n: int
    p50_ms: float | None
    p95_ms: float | None
    cpu_us: float | None
    backend_us: float | None
    rate_rps: float | None
    failed: int
    statements: int | None
    tally: float | None = None
    """What the process counted per second while it was loaded."""
    hit_ratio: float | None = None
    """Hits ÷ look-ups of the process's cache over the load, the warm-up included."""


class SweepBlock(Struct, frozen=True):
    """One block of a grid (``sweeps/<grid>/<n>.json``)."""

    number: int
    seed: int
    started_utc: str
    seen: tuple[Seen, ...]
    checks: tuple[Check, ...]
    voids: tuple[Void, ...]
    wall_s: float
    pinned: bool
    schema: int = 1
    kind: str = "sweep-block"
    harness_version: str = __version__
    round_trip_ms: float | None = None
    """What a round trip to the database took before the load, over the network between; None where there is none."""


def kept(folder: Path) -> list[SweepBlock]:
    """The blocks that a folder holds, in their order."""
    return [msgspec.json.decode(one.read_bytes(), type=SweepBlock) for one in sorted(folder.glob("[0-9]*.json"))]


def figures(cell: Cell, rows: np.ndarray[Any, Any], windows: Sequence[Window], statements: int | None) -> Seen:
    """The figures of one cell; those of a process only where it served nothing else."""
    answered = rows[(rows["error"] == 0) & (rows["end_ns"] >= 0)]
    good = answered[answered["status"] == 200]  # noqa: PLR2004  (what was verified before the load)
    took = (good["end_ns"] - good["start_ns"]).astype(np.int64)
    # One block's median needs no ten samples beyond it: blocks are what is compared.
    p50_ms = float(np.median(took)) / 1e6 if len(took) else None
    p95 = printed_quantiles(took, (0.95,))[0]
    requests = sum(window.requests for window in windows)
    loaded_s = sum(window.end_ns - window.start_ns for window in windows) / 1e9
    return Seen(
        subject=cell.subject,
        at=cell.at,
        n=len(took),
        p50_ms=p50_ms,
        p95_ms=None if p95 is None else p95 / 1e6,
        cpu_us=_each([window.cpu_ns for window in windows], requests),
        backend_us=_each([window.backend_ns for window in windows], requests),
        rate_rps=requests / loaded_s if requests and loaded_s else None,
        failed=len(rows) - len(good),
        statements=statements,
    )


def _each(used_ns: Sequence[int | None], requests: int) -> float | None:
    if not used_ns or None in used_ns or not requests:
        return None
    return sum(value or 0 for value in used_ns) / requests / 1e3


def hit_ratio(before: tuple[float, float] | None, after: tuple[float, float] | None) -> float | None:
    """Hits ÷ look-ups between two readings of (hits, misses); None where nobody counted, or nothing was looked up."""
    if before is None or after is None:
        return None
    hits, misses = after[0] - before[0], after[1] - before[1]
    return hits / (hits + misses) if hits + misses else None


def per_second(
    before: Sequence[float], after: Sequence[float], entry: int, slices: Sequence[load.Slice]
) -> float | None:
    """Counted per second of load, the warm-up included: the count knows no phases."""
    if not before:
        return None
    loaded_s = sum(piece.end_ns - piece.start_ns for piece in slices if entry in piece.entries) / 1e9
    return (after[entry] - before[entry]) / loaded_s
