"""``resume``: goes on with a run from its plan, whatever command began it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness import block, duel, settings
from harness.commands import run
from harness.commands.measured import measured
from harness.model import Block, Plan
from harness.store.folder import open_run
from harness.store.run import read_run, verify_plan_hash


def resume(run_folder: Path) -> dict[str, Any]:
    """Go on with a run from its plan."""
    folder = open_run(run_folder)
    record = read_run(folder)
    verify_plan_hash(record)
    finish, work = (run.finish, run.work) if record.plan.command == "run" else (duel.finish, _missing)
    where = settings.load(Path.cwd())
    with duel.rigged(where, record.plan, folder.parent.parent, record.machine) as rig:
        return measured(folder, lambda: work(record.plan, rig, folder), finish)


def _missing(plan: Plan, rig: block.Rig, folder: Path) -> list[Block]:
    """Measure what is missing of a duel."""
    return duel.measure(plan, rig, folder, quiet=False)
