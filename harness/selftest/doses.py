"""Known burns per request in every grain and regime: the slope must be 1 and the intercept 0."""

from __future__ import annotations

import json
import math
from typing import Any

from harness import block
from harness.model import Grain, Interval, Load
from harness.selftest.rig import Bench, Row, condition
from harness.stats.dose import dose_response
from harness.stats.ratios import block_log_ratio, cost_per_request_ns
from harness.store.blocks import BLOCK_FILE
from harness.store.folder import write_json

DOSES_US = (0, 2, 5, 10, 20)
BLOCKS = 3
SLOPE = 0.03
"""A true difference of 10 % may be shown as 9.7 to 10.3 %."""
INTERCEPT = 0.003
"""No burn at all may be shown as 0.3 % at most."""

CELLS: tuple[tuple[str, Grain, Load], ...] = (
    ("open request", "request", Load(model="open", rate_rps=1000, warmup_s=0.6, measure_s=4.0)),
    ("open slice", "slice", Load(model="open", rate_rps=1000, warmup_s=0.6, measure_s=4.0)),
    ("saturated slice", "slice", Load(model="closed", users=16, warmup_s=0.6, measure_s=4.0)),
)


def check(bench: Bench) -> list[Row]:
    """Fit what was reported to the burn that the app itself metered, both as log-ratios."""
    rows = []
    for name, grain, work in CELLS:
        blocks = [_dose(bench, name, grain, work, dose_us, turn) for turn in range(BLOCKS) for dose_us in DOSES_US]
        points = [point for point in blocks if point is not None]
        found = dose_response([point[0] for point in points], [point[1] for point in points])
        rows.append(_row(f"dose slope, {name}", 1.0, found.slope if found else None, "of injected", SLOPE))
        rows.append(_row(f"dose intercept, {name}", 0.0, found.intercept if found else None, "log-ratio", INTERCEPT))
        rows.append(Row(f"valid dose blocks, {name}", len(blocks), len(points), "blocks", len(blocks) / 2))
    return rows


def _row(name: str, injected: float, seen: Interval | None, unit: str, tolerance: float) -> Row:
    if seen is None:
        return Row(name, injected, None, unit, tolerance)
    return Row(name, injected, seen.value, unit, tolerance, low=seen.low, high=seen.high)


def _dose(bench: Bench, name: str, grain: Grain, work: Load, dose_us: int, turn: int) -> tuple[float, float] | None:
    """(injected, measured) log-ratio of one block; None where the instrument's own fault voids it."""
    what = condition(f"{name} {dose_us}", _burning(0), _burning(dose_us), work, grain)
    place = bench.folder / f"dose-{name.replace(' ', '-')}-{dose_us}-{turn}"
    place.mkdir()
    done = block.run(block.Job(turn, what, grain, bench.seed + turn), bench.rig, place)
    write_json(place / BLOCK_FILE, done)
    measured, baseline_ns = block_log_ratio(done), cost_per_request_ns(done.costs, "baseline")
    if done.voids or measured is None or baseline_ns is None:
        return None
    ledger = json.loads((place / "ledger.json").read_text())
    extra_ns = _burned_ns(ledger, "candidate") - _burned_ns(ledger, "baseline")
    return math.log1p(extra_ns / baseline_ns), measured


def _burned_ns(ledger: list[dict[str, Any]], role: str) -> float:
    """Burned CPU time per request, as the arm's processes metered it themselves."""
    mine = [row for row in ledger if row["role"] == role]
    return float(sum(row["burned_cpu_ns"] for row in mine) / sum(row["requests"] for row in mine))


def _burning(dose_us: int) -> dict[str, str]:
    return {"TRUTH_WORK_US": "100", "TRUTH_BURN_US": str(dose_us)}
