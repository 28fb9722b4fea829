"""A session: batches of blocks, a look at what they say, and on until every cell is decided.

A *cell* is one condition in one grain.  The looks are fixed in the plan; a look may stop a cell
but never adds to the error rate (``stats.looks``).  Void blocks are kept, shown and repeated within
a budget that the plan states.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from harness import block, load
from harness.model import Block, Condition, Grain, Plan, Void
from harness.progress import Progress
from harness.stats.looks import schedule
from harness.store import blocks as store
from harness.store.folder import write_json
from harness.store.samples import DamagedSamples

START_STOP_S = 3.0
"""What a block takes beyond its load: start of the servers and of Locust, writing.  Seen: 2.5 to 3.4 s."""

LONE_S = 1.2
"""The same for each of the four lone processes of the block grain.  Seen: 0.9 to 1.3 s."""


class Cell(Struct, frozen=True):
    """One condition in one grain."""

    condition: Condition
    grain: Grain

    @property
    def name(self) -> str:
        """For example ``open-request``."""
        return f"{self.condition.name}-{self.grain}"


Decided = Callable[[Cell, list[Block], int], bool]


def cells(plan: Plan) -> list[Cell]:
    """All cells of a plan in their order."""
    return [Cell(condition, grain) for condition in plan.conditions for grain in condition.grains]


def seconds_per_block(condition: Condition, grain: Grain) -> float:
    """Expected wall time of one block, for progress and plans."""
    spell = condition.load.warmup_s + condition.load.measure_s + START_STOP_S
    return spell if grain != "block" else condition.load.measure_s + 4 * (condition.load.warmup_s + LONE_S)


def run(plan: Plan, rig: block.Rig, folder: Path, *, decided: Decided, progress: Progress) -> list[Block]:
    """Run the plan's blocks in ``folder``, going on from what is there; returns all blocks."""
    store.discard_unfinished(folder)
    done = store.read_blocks(folder)
    open_cells = cells(plan)
    for number, look in enumerate(schedule(plan.looks)):
        progress.look(number + 1, len(plan.looks), len(open_cells))
        for cell in _turns(open_cells, plan, done, look.blocks):
            done.append(_next_block(cell, plan, rig, folder, len(done), progress))
        open_cells = [cell for cell in open_cells if not decided(cell, _of(cell, done), number)]
        if not open_cells:
            break
    return done


def _of(cell: Cell, done: Sequence[Block]) -> list[Block]:
    return [one for one in done if (one.condition, one.grain) == (cell.condition.name, cell.grain)]


def _turns(open_cells: Sequence[Cell], plan: Plan, done: list[Block], wanted: int) -> Iterator[Cell]:
    """Cells in turn, round after round, until each has its valid blocks or no re-runs are left.

    ``done`` grows between two turns: it is read anew for each.
    """
    while lacking := [cell for cell in open_cells if _lacks(cell, plan, done, wanted)]:
        yield from lacking


def _lacks(cell: Cell, plan: Plan, done: Sequence[Block], wanted: int) -> bool:
    mine = _of(cell, done)
    void = sum(1 for one in mine if one.voids)
    return len(mine) - void < wanted and len(mine) < wanted + plan.rerun_max


def _next_block(cell: Cell, plan: Plan, rig: block.Rig, folder: Path, number: int, progress: Progress) -> Block:
    """Run one block; the instrument's own failure leaves a void block, not an end of the session."""
    seed = int(hashlib.sha256(f"{plan.seed}/{cell.name}/{number}".encode()).hexdigest()[:8], 16)
    job = block.Job(number=number, condition=cell.condition, grain=cell.grain, seed=seed)
    place = store.begin_block(folder, number, cell.name)
    began = time.monotonic()
    try:
        result = block.run(job, rig, place)
    except (load.GeneratorFailedError, DamagedSamples) as error:
        result = _failed(job, "load generator", str(error), time.monotonic() - began)
    except block.BackendEndedError as error:
        result = _failed(job, "services behind the arms", str(error), time.monotonic() - began)
    write_json(place / store.BLOCK_FILE, result)
    store.finish_block(place)
    progress.block(cell.name, result)
    return result


def _failed(job: block.Job, check: str, why: str, wall_s: float) -> Block:
    void = Void(check=check, seen=why, limit="complete data", sentence=why)
    return block.empty(job, (void,), wall_s)
