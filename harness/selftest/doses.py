"""Known burns per request in every grain and regime: the slope must be 1 and the intercept 0."""

from __future__ import annotations

import json

import numpy as np

from harness import block
from harness.model import Grain, Load
from harness.selftest.rig import Bench, Row, condition
from harness.stats.ratios import block_log_ratio, cost_per_request_ns

DOSES_US = (0, 2, 5, 10, 20)
BLOCKS = 3
SLOPE = 0.03
INTERCEPT = 0.003
"""Allowed intercept as a share of the baseline's cost."""

CELLS: tuple[tuple[str, Grain, Load], ...] = (
    ("open request", "request", Load(model="open", rate_rps=1000, warmup_s=0.6, measure_s=4.0)),
    ("open slice", "slice", Load(model="open", rate_rps=1000, warmup_s=0.6, measure_s=4.0)),
    ("saturated slice", "slice", Load(model="closed", users=16, warmup_s=0.6, measure_s=4.0)),
)


def check(bench: Bench) -> list[Row]:
    """Regress the reported extra cost on the burn that the app itself metered."""
    rows = []
    for name, grain, work in CELLS:
        points = [_dose(bench, name, grain, work, dose_us, turn) for turn in range(BLOCKS) for dose_us in DOSES_US]
        injected = np.array([point[0] for point in points])
        reported = np.array([point[1] for point in points])
        slope, intercept = np.polyfit(injected, reported, 1)
        rows.append(Row(f"dose slope, {name}", 1.0, float(slope), "µs per µs", SLOPE))
        base = float(np.mean([point[2] for point in points]))
        rows.append(Row(f"dose intercept, {name}", 0.0, float(intercept / base), "of baseline", INTERCEPT))
    return rows


def _dose(bench: Bench, name: str, grain: Grain, work: Load, dose_us: int, turn: int) -> tuple[float, float, float]:
    """(burned µs per request, reported extra µs per request, baseline µs per request) of one block."""
    what = condition(f"{name} {dose_us}", {"TRUTH_WORK_US": "100"}, _burning(dose_us), work, grain)
    place = bench.folder / f"dose-{name.replace(' ', '-')}-{dose_us}-{turn}"
    place.mkdir()
    done = block.run(block.Job(turn, what, grain, bench.seed + turn), bench.rig, place)
    base_us = (cost_per_request_ns(done.costs, "baseline") or 0.0) / 1e3
    ratio = np.exp(block_log_ratio(done) or 0.0)
    ledger = json.loads((place / "ledger.json").read_text())
    burned = sum(row["burned_cpu_ns"] for row in ledger if row["role"] == "candidate")
    asked = sum(row["requests"] for row in ledger if row["role"] == "candidate")
    return (burned / asked / 1e3 if asked else 0.0, base_us * (ratio - 1), base_us)


def _burning(dose_us: int) -> dict[str, str]:
    return {"TRUTH_WORK_US": "100", "TRUTH_BURN_US": str(dose_us)}
