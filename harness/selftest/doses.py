"""Known burns per request in every grain and regime: the slope must be 1 and the intercept 0."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from harness import block, duel
from harness.model import Block, Condition, Grain, Interval, Load
from harness.selftest.rig import Bench, Row, condition
from harness.stats.dose import DoseResponse, dose_response
from harness.stats.pace import levelled
from harness.stats.ratios import block_log_ratio, cost_per_request_ns
from harness.store.blocks import BLOCK_FILE
from harness.store.folder import write_json

DOSES_US = (0, 2, 5, 10, 20)
SLOPE = 0.03
"""A true difference of 10 % may be shown as 9.7 to 10.3 %."""
INTERCEPT = 0.003
"""No burn at all may be shown as 0.3 % at most."""

WORK_US = 30
"""Every request of both arms works this long.  It makes the code behind the burn meet cold caches in both arms:
behind nothing, a burn of 20 µs makes what follows it 0.8 ± 0.1 µs dearer (results/evidence/burn-behind.json: one
process, no load), which no meter of the burn alone can see."""

ATTEMPTS = 2
"""Void blocks are repeated, but not more often than once each."""


class Cell(Struct, frozen=True):
    """One grain in one regime, under one load."""

    name: str
    grain: Grain
    work: Load
    cheap: bool = True
    """Whether a block takes seconds only: the block grain starts four lone servers one after the other."""


OPEN = Load(model="open", rate_rps=1500, warmup_s=0.6, measure_s=5.0)
"""Both arms at once use about 40 % of their core."""
OPEN_SHORT = Load(model="open", rate_rps=1500, warmup_s=0.6, measure_s=3.0)
SATURATED = Load(model="closed", users=16, warmup_s=0.6, measure_s=3.0)
"""As long as a duel's blocks in the same grains (``plan``): the bank calibrates those with these."""

CELLS = (
    Cell("open request", "request", OPEN),
    Cell("open slice", "slice", OPEN_SHORT),
    Cell("saturated slice", "slice", SATURATED),
    Cell("open block", "block", OPEN_SHORT, cheap=False),
    Cell("saturated block", "block", SATURATED, cheap=False),
)


class Dosed(Struct, frozen=True):
    """One valid block, and the log-ratio that was injected, as the app itself metered it."""

    dose_us: int
    injected: float
    block: Block


class Point(Struct, frozen=True):
    """One valid block: the log-ratio that was injected, the measured one, and that before the pace was levelled."""

    dose_us: int
    injected: float
    measured: float
    as_metered: float


def check(bench: Bench) -> list[Row]:
    """Fit what was reported to the burn that the app itself metered, both as log-ratios."""
    rows = []
    for cell in CELLS:
        dosed, tried = _dosed(bench, cell)
        points = points_of(dosed)
        _bank(bench, cell, dosed)
        found = dose_response([point.injected for point in points], [point.measured for point in points])
        write_json(bench.folder / f"{_slug(cell)}.json", {"points": points, "tried": tried})
        rows += _rows(cell, found)
        rows.append(Row(f"valid dose blocks, {cell.name}", tried, len(points), "blocks", tried / 2))
    return rows


def _slug(cell: Cell) -> str:
    return cell.name.replace(" ", "-")


def _rows(cell: Cell, found: DoseResponse | None) -> list[Row]:
    return [
        _row(f"dose slope, {cell.name}", 1.0, found.slope if found else None, "of injected", SLOPE),
        _row(f"dose intercept, {cell.name}", 0.0, found.intercept if found else None, "log-ratio", INTERCEPT),
    ]


def _row(name: str, injected: float, seen: Interval | None, unit: str, tolerance: float) -> Row:
    if seen is None:
        return Row(name, injected, None, unit, tolerance)
    return Row(name, injected, seen.value, unit, tolerance, low=seen.low, high=seen.high)


def points_of(dosed: Sequence[Dosed]) -> list[Point]:
    """What the blocks of one cell measured, taken to one pace where that was watched."""
    blocks = [one.block for one in dosed]
    found = []
    for one, even in zip(dosed, levelled(blocks) or blocks, strict=True):
        measured, metered = block_log_ratio(even), block_log_ratio(one.block)
        if measured is not None and metered is not None:
            found.append(Point(one.dose_us, one.injected, measured, metered))
    return found


def _bank(bench: Bench, cell: Cell, dosed: Sequence[Dosed]) -> None:
    blocks = [one.block for one in dosed]
    even = levelled(blocks)
    for one, done in zip(dosed, even or blocks, strict=True):
        injected = math.exp(one.injected)
        what = _condition(cell, one.dose_us)
        duel.bank_block(bench.folder.parent.parent, done, what, injected, at_equal_pace=even is not None)


def _condition(cell: Cell, dose_us: int) -> Condition:
    return condition(f"{cell.name} {dose_us}", _burning(0), _burning(dose_us), cell.work, cell.grain)


def _dosed(bench: Bench, cell: Cell) -> tuple[list[Dosed], int]:
    """Valid blocks of every dose, dose after dose in turn, and how many blocks that took."""
    found: list[Dosed] = []
    tried, turns = 0, bench.turns if cell.cheap else math.ceil(bench.turns / 2)
    for turn in range(turns * ATTEMPTS):
        for dose_us in DOSES_US:
            if sum(one.dose_us == dose_us for one in found) < turns:
                tried += 1
                found += _dose(bench, cell, dose_us, turn)
        sys.stderr.write(f"self-test: doses, {cell.name}: {len(found)} of {turns * len(DOSES_US)} blocks\n")
        if len(found) == turns * len(DOSES_US):
            break
    return found, tried


def _dose(bench: Bench, cell: Cell, dose_us: int, turn: int) -> list[Dosed]:
    """One block; none where the instrument's own fault voids it."""
    what = _condition(cell, dose_us)
    place = bench.folder / f"dose-{_slug(cell)}-{dose_us}-{turn}"
    place.mkdir()
    # Every block has an order of its own: with a shared one its accidents would not average out.
    seed = bench.seed + 1000 * turn + dose_us
    done = block.run(block.Job(turn, what, cell.grain, seed), bench.rig, place)
    write_json(place / BLOCK_FILE, done)
    injected = injected_log_ratio(done, json.loads((place / "ledger.json").read_text()))
    return [] if done.voids or injected is None else [Dosed(dose_us, injected, done)]


def injected_log_ratio(done: Block, ledger: list[dict[str, Any]]) -> float | None:
    """Log of what the candidate cost ÷ what it would have cost with the baseline's burn.

    Both from the candidate's own processes: the burn is work, and as the work around it takes longer while the
    core is slow.  The baseline ran at other moments.
    """
    whole_ns = cost_per_request_ns(done.costs, "candidate")
    extra_ns = _burned_ns(ledger, "candidate") - _burned_ns(ledger, "baseline")
    return None if whole_ns is None or whole_ns <= extra_ns else -math.log1p(-extra_ns / whole_ns)


def _burned_ns(ledger: list[dict[str, Any]], role: str) -> float:
    """Burned CPU time per request, as the arm's processes metered it themselves."""
    mine = [row for row in ledger if row["role"] == role]
    return float(sum(row["burned_cpu_ns"] for row in mine) / sum(row["requests"] for row in mine))


def _burning(dose_us: int) -> dict[str, str]:
    return {"TRUTH_WORK_US": str(WORK_US), "TRUTH_BURN_US": str(dose_us)}
