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

SHORT_US = (0, 2, 5, 10, 20, 60)
LONG_US = (*SHORT_US, 120)
"""As far as 20 µs a dose is of the size of what a duel decides; the long ones tell the slope, since a block's scatter
is as wide as 10 to 20 µs are long: short doses alone would need hundreds of blocks."""
SLOPE = 0.03
"""A true difference of 10 % may be shown as 9.7 to 10.3 %."""
INTERCEPT = 0.003
"""No burn at all may be shown as 0.3 % at most."""

WORK_US = 30
"""Every request of both arms works this long before it burns, so that no arm comes out of the blue."""

ATTEMPTS = 2
"""Void blocks are repeated, but not more often than once each."""


class Cell(Struct, frozen=True):
    """One grain in one regime, under one load."""

    name: str
    grain: Grain
    work: Load
    doses_us: tuple[int, ...] = SHORT_US
    cheap: bool = True
    """Whether a block takes seconds only: the block grain starts four lone servers one after the other."""


OPEN = Load(model="open", rate_rps=300, warmup_s=0.6, measure_s=5.0)
OPEN_SHORT = Load(model="open", rate_rps=500, warmup_s=0.6, measure_s=3.0)
"""In the open model a burn saves turns of the event loop: the next request comes while it burns, and shares its turn.
That is a truth, but none that the burn's meter could tell.  It grows with the rate and the burn
(results/evidence/selftest-dose-long.json).  So open doses are few a second, and short ones."""
SATURATED = Load(model="closed", users=16, warmup_s=0.6, measure_s=3.0)
"""As long as a duel's blocks in the same grains (``plan``): the bank calibrates those with these."""

CELLS = (
    Cell("open request", "request", OPEN),
    Cell("open slice", "slice", OPEN_SHORT),
    Cell("saturated slice", "slice", SATURATED, LONG_US),
    Cell("open block", "block", OPEN_SHORT, cheap=False),
    Cell("saturated block", "block", SATURATED, LONG_US, cheap=False),
)


class Dosed(Struct, frozen=True):
    """One valid block, and what the candidate's processes tell of themselves, per request."""

    dose_us: int
    whole_ns: float
    """CPU time of a request, all in all."""
    burned_ns: float
    """What it burned more than the baseline, as the app metered it."""
    behind_ns: float
    """By how much the app's answer, which comes behind the burn, was dearer than the baseline's."""
    block: Block


class Point(Struct, frozen=True):
    """One valid block as log-ratios: what was injected, what was measured, and that before the pace was levelled."""

    dose_us: int
    burned: float
    """The burn alone."""
    injected: float
    """The burn and what it makes the code behind it dearer."""
    measured: float
    as_metered: float


def check(bench: Bench) -> list[Row]:
    """Fit what was reported to the burn that the app itself metered, both as log-ratios."""
    rows: list[Row] = []
    shares: dict[str, float] = {}
    for cell in CELLS:
        dosed, tried = _dosed(bench, cell)
        dearer = dearer_in(cell, dosed, shares)
        points = points_of(dosed, dearer)
        _bank(bench, cell, dosed, points)
        found = dose_response([point.injected for point in points], [point.measured for point in points])
        kept = {"points": points, "tried": tried, "behind_per_burned": dearer}
        write_json(bench.folder / f"{_slug(cell)}.json", kept)
        rows += _rows(cell, found)
        rows.append(Row(f"valid dose blocks, {cell.name}", tried, len(points), "blocks", tried / 2))
    return rows


def dearer_in(cell: Cell, dosed: Sequence[Dosed], shares: dict[str, float]) -> float:
    """What a burn makes the code behind it dearer in this cell, as a share of the burn.

    In the block grain arms run at different moments: a share of its own would follow the core's pace as the measured
    ratio does, and a truth must not lean towards what it judges.  It takes that of the slices under the same load,
    which ``shares`` keeps by model.
    """
    if cell.grain == "block":
        return shares[cell.work.model]
    found = behind_per_burned(dosed)
    if cell.grain == "slice":
        shares[cell.work.model] = found
    return found


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


def points_of(dosed: Sequence[Dosed], dearer: float) -> list[Point]:
    """What the blocks of one cell measured, taken to one pace where that was watched.

    ``dearer`` is what a burn makes the code behind it dearer, as a share of the burn.
    """
    blocks = [one.block for one in dosed]
    found = []
    for one, even in zip(dosed, levelled(blocks) or blocks, strict=True):
        measured, metered = block_log_ratio(even), block_log_ratio(one.block)
        if measured is not None and metered is not None:
            burned, injected = (_log_ratio(one, share) for share in (0.0, dearer))
            found.append(Point(one.dose_us, burned, injected, measured, metered))
    return found


def behind_per_burned(dosed: Sequence[Dosed]) -> float:
    """What a burn makes the code behind it dearer, as a share of the burn; 0 without a burn.

    The longer a server has done something else, the less of its code is left in the caches: so it is in one process
    without any load, too (results/evidence/burn-behind.json).  Least squares through the origin over all blocks.
    """
    burnt = [one for one in dosed if one.dose_us > 0]
    squares = math.fsum(one.burned_ns**2 for one in burnt)
    return math.fsum(one.burned_ns * one.behind_ns for one in burnt) / squares if squares else 0.0


def _log_ratio(one: Dosed, dearer: float) -> float:
    """Log of what the candidate cost ÷ what it would have cost with the baseline's burn.

    Both from the candidate's own processes: the burn is work, and as the work around it takes longer while the
    core is slow.  The baseline ran at other moments.
    """
    return -math.log1p(-one.burned_ns * (1 + dearer) / one.whole_ns)


def _bank(bench: Bench, cell: Cell, dosed: Sequence[Dosed], points: Sequence[Point]) -> None:
    blocks = [one.block for one in dosed]
    even = levelled(blocks)
    for one, done, point in zip(dosed, even or blocks, points, strict=True):
        injected = math.exp(point.injected)
        what = _condition(cell, one.dose_us)
        duel.bank_block(bench.folder.parent.parent, done, what, injected, at_equal_pace=even is not None)


def _condition(cell: Cell, dose_us: int) -> Condition:
    return condition(f"{cell.name} {dose_us}", _burning(0), _burning(dose_us), cell.work, cell.grain)


def _dosed(bench: Bench, cell: Cell) -> tuple[list[Dosed], int]:
    """Valid blocks of every dose, dose after dose in turn, and how many blocks that took."""
    found: list[Dosed] = []
    tried, turns = 0, bench.turns if cell.cheap else math.ceil(bench.turns / 2)
    wanted = turns * len(cell.doses_us)
    for turn in range(turns * ATTEMPTS):
        for dose_us in cell.doses_us:
            if sum(one.dose_us == dose_us for one in found) < turns:
                tried += 1
                found += _dose(bench, cell, dose_us, turn)
        sys.stderr.write(f"self-test: doses, {cell.name}: {len(found)} of {wanted} blocks\n")
        if len(found) == wanted:
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
    told = dosed_of(dose_us, done, json.loads((place / "ledger.json").read_text()))
    return [] if told is None else [told]


def dosed_of(dose_us: int, done: Block, ledger: list[dict[str, Any]]) -> Dosed | None:
    """A block with what its apps' ledger tells; None where the block is void or has no figure for either arm."""
    whole_ns = cost_per_request_ns(done.costs, "candidate")
    if done.voids or whole_ns is None or block_log_ratio(done) is None:
        return None
    burned_ns, behind_ns = (
        _per_request_ns(ledger, "candidate", key) - _per_request_ns(ledger, "baseline", key)
        for key in ("burned_cpu_ns", "behind_cpu_ns")
    )
    return Dosed(dose_us, whole_ns, burned_ns, behind_ns, done) if burned_ns < whole_ns else None


def _per_request_ns(ledger: list[dict[str, Any]], role: str, key: str) -> float:
    """CPU time per request, as the arm's processes metered it themselves."""
    mine = [row for row in ledger if row["role"] == role]
    return float(sum(row[key] for row in mine) / sum(row["requests"] for row in mine))


def _burning(dose_us: int) -> dict[str, str]:
    return {"TRUTH_WORK_US": str(WORK_US), "TRUTH_BURN_US": str(dose_us)}
