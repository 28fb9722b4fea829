"""``harness run``: decides claims of the standard, to the depth that the profile sets."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from harness import (
    __version__,
    block,
    catalog,
    crashes,
    curves,
    decide,
    duel,
    probes,
    session,
    settings,
    sweeps,
    swept,
    target,
)
from harness.backends.backing import lending
from harness.claims import find, load_claims
from harness.claims.claim import Claim, Duet, Grid, Probe, Restart, Sweep
from harness.commands import coursing
from harness.commands.measured import measured
from harness.errors import CannotMeasure, EngineGone, TooFewBlocks
from harness.model import Behind, Block, Condition, Plan, RuntimeName, Target
from harness.stats.looks import planned_looks
from harness.store.folder import write_json

_PROFILE = decide.PROFILE

PROBES = "probes.json"
WHY = "why-not.txt"
"""Says in a sweep's folder why it could not be measured."""


class Profile(Struct, frozen=True):
    """How deep a run goes."""

    claims: tuple[str, ...]
    """The profile's own choice where the user names none."""
    blocks: int
    measure_s: float
    crashes: tuple[int, int]
    """Crashes of each restart, and of each of its controls."""
    rounds: int
    """Rounds of each course of faults, in which every subject goes through it once."""
    sweep_blocks: int
    """Blocks of each grid; fewer where they would take longer than the claim may."""
    claim_s: float
    """Wall time of the duets of one claim, and of its sweeps; what lies beyond is left out and said to be."""


CORE = ("1", "2", "3", "4", "6", "7", "8")
"""Claims that need nothing but Python and two cores."""

PAGES = ("17", "18", "19", "20", "91")
STORED = ("57", "58", "59", "62", "63", "64", "65", "77", "88")
CACHED = ("66", "67", "68", "70", "71")
"""Claims that need PostgreSQL or Valkey, which the harness starts."""

PROFILES = {
    "smoke": Profile(claims=("8",), blocks=4, measure_s=2.0, crashes=(1, 1), rounds=1, sweep_blocks=4, claim_s=20.0),
    "quick": Profile(claims=CORE, blocks=6, measure_s=2.5, crashes=(4, 1), rounds=8, sweep_blocks=8, claim_s=120.0),
    "full": Profile(
        claims=(*CORE, *PAGES, *STORED, *CACHED),
        blocks=12,
        measure_s=5.0,
        crashes=(8, 4),
        rounds=10,
        sweep_blocks=12,
        claim_s=24 * 3600.0,
    ),
}


def run(
    names: Sequence[str],
    *,
    profile: str,
    budget_s: float | None,
    seed: int,
    results: Path | None,
    runtime: RuntimeName = "local",
) -> dict[str, Any]:
    """Measure and decide the named claims; the document of the contract."""
    where = settings.load(Path.cwd())
    draft = planned(names, profile=profile, budget_s=budget_s, seed=seed, where=where, runtime=runtime)
    with duel.rigged(where, draft, results) as rig:
        plan = duel.resolved(draft, rig)
        _prepare(plan, rig)
        slug = "-".join(claim.id for claim in chosen_claims(plan))
        folder = duel.start_run(where, plan, slug, results, rig)
        return measured(folder, lambda: work(plan, rig, folder), finish)


def planned(
    names: Sequence[str],
    *,
    profile: str,
    budget_s: float | None,
    seed: int,
    where: settings.Settings,
    runtime: RuntimeName = "local",
) -> Plan:
    """The plan for some claims (none: the profile's choice); what the pilot decides is still open in it.

    In containers all but probes are observed: a probe starts what it looks at as processes.
    """
    depth = PROFILES[target.choose("profile", profile, PROFILES)]
    chosen = find(list(names) or list(depth.claims), load_claims())
    if budget_s is not None:
        depth = structs.replace(depth, claim_s=budget_s)
    return Plan(
        command="run",
        seed=seed,
        conditions=tuple(one for claim in chosen for one in _conditions(claim, depth, where, seed)),
        blocks_max=depth.blocks,
        looks=planned_looks(depth.blocks, first=4, count=2),
        rerun_max=max(1, depth.blocks // 2),
        claims=(*(claim.id for claim in chosen), f"{_PROFILE}{profile}"),
        sweeps=_sweeps(chosen, depth),
        courses=coursing.planned(chosen, depth.rounds, depth.claim_s),
        runtime=runtime,
    )


def _sweeps(chosen: Sequence[Claim], depth: Profile) -> dict[str, int]:
    """Blocks of each grid: as many as the profile's and the claim's time allow; too few decide nothing and are left.

    A grid that another claim has measured costs a claim nothing.
    """
    planned: dict[str, int] = {}
    for claim in chosen:
        fresh = {one.grid.id: one.grid for one in claim.conditions if isinstance(one, Sweep)}
        grids = [grid for name, grid in fresh.items() if name not in planned]
        while grids:
            blocks = min(depth.sweep_blocks, int(depth.claim_s / sum(map(sweeps.seconds_per_block, grids))))
            if blocks >= curves.BLOCKS_MIN:
                planned |= dict.fromkeys((grid.id for grid in grids), blocks)
                break
            grids.pop()
    return planned


def grids(plan: Plan) -> list[tuple[Grid, int]]:
    """The grids of a plan with their blocks."""
    found = {
        one.grid.id: one.grid
        for claim in chosen_claims(plan)
        for one in claim.conditions
        if isinstance(one, Sweep) and one.grid.id in plan.sweeps
    }
    return [(grid, plan.sweeps[name]) for name, grid in found.items()]


def _prepare(plan: Plan, rig: block.Rig) -> None:
    """Start and fill what sweeps and probes need: seconds the first time, and no part of a measurement."""
    coursing.prepare(chosen_claims(plan), plan, rig)
    needed = [sweeps.behind(grid, rows, plan.seed, _parse) for grid, _ in grids(plan) for rows in sweeps.sizes(grid)]
    needed += [
        Behind(backends=one.behind, rows=one.rows, seed=plan.seed) for one in _probes(plan).values() if one.behind
    ]
    for behind in [*needed, *coursing.behind(chosen_claims(plan), plan)]:
        if behind is not None and rig.backing is not None:
            rig.backing.prepare(behind)


def _parse(text: str) -> Target:
    where = settings.load(Path.cwd())
    return catalog.target(text, where.root, where.plugins)


def work(plan: Plan, rig: block.Rig, folder: Path) -> list[Block]:
    """Measure the duets and observe the restarts; what ``folder`` holds already is not repeated."""
    blocks = duel.measure(plan, rig, folder, quiet=False)
    for claim, one in restarts(plan):
        sys.stderr.write(f"{claim.number}: {one.name}\n")
        _observe(claim, one, plan, rig, folder)
    for grid, count in grids(plan):
        _sweep(grid, count, plan, rig, folder)
    coursing.observe(chosen_claims(plan), plan, rig, folder, _parse)
    if not (folder / PROBES).exists():
        lines = _probe_lines(plan, rig)
        write_json(folder / PROBES, {"schema": 1, "kind": "probes", "lines": lines})
    return blocks


def _sweep(grid: Grid, count: int, plan: Plan, rig: block.Rig, folder: Path) -> None:
    """Measure what is missing of a grid; where it cannot be measured, a file beside says why."""
    place = _sweep_place(folder, grid)
    place.mkdir(parents=True, exist_ok=True)
    try:
        sweeps.observe(
            grid,
            _parse,
            rig,
            place,
            count,
            plan.seed,
            lambda text: sys.stderr.write(f"{grid.id}: {text}\n"),
        )
    except EngineGone:
        raise
    except CannotMeasure as error:
        (place / WHY).write_text(str(error).splitlines()[0].rstrip("."))


def _swept(plan: Plan, folder: Path) -> dict[str, tuple[swept.SweepBlock, ...] | str]:
    """What a run folder holds of its grids, or why there is nothing."""
    found: dict[str, tuple[swept.SweepBlock, ...] | str] = {}
    for grid, _ in grids(plan):
        place = _sweep_place(folder, grid)
        blocks = tuple(swept.kept(place))
        why = (place / WHY).read_text() if (place / WHY).exists() else "it was not observed"
        found[grid.id] = blocks or why
    return found


def _sweep_place(folder: Path, grid: Grid) -> Path:
    return folder / "sweeps" / grid.id


def restarts(plan: Plan) -> list[tuple[Claim, Restart]]:
    """The restarts of a plan's claims."""
    return [(claim, one) for claim in chosen_claims(plan) for one in claim.conditions if isinstance(one, Restart)]


def _probes(plan: Plan) -> dict[str, Probe]:
    """The probes of a plan's claims that its runtime can observe, each once."""
    claims = chosen_claims(plan) if plan.runtime == "local" else []
    return {one.module: one for claim in claims for one in claim.conditions if isinstance(one, Probe)}


def _lines(plan: Plan, folder: Path) -> dict[str, Any]:
    """What the probes of a plan's claims have said, or why they have said nothing."""
    if plan.runtime != "local":
        asked = [one for claim in chosen_claims(plan) for one in claim.conditions if isinstance(one, Probe)]
        return {one.module: decide.NOT_IN_CONTAINERS for one in asked}
    found: dict[str, Any] = json.loads((folder / PROBES).read_text())["lines"] if (folder / PROBES).exists() else {}
    return found


def _seen(plan: Plan, folder: Path, blocks: Sequence[Block]) -> decide.Seen:
    """All that a run folder holds."""
    return decide.Seen(
        blocks=tuple(blocks),
        lines=_lines(plan, folder),
        crashes={decide.key(claim, one): _observe(claim, one, plan, None, folder) for claim, one in restarts(plan)},
        sweeps=_swept(plan, folder),
        courses=coursing.passed(chosen_claims(plan), plan, folder),
    )


def chosen_claims(plan: Plan) -> list[Claim]:
    """The claims that a plan is for."""
    return list(find([name for name in plan.claims if not name.startswith(_PROFILE)], load_claims()))


def crash_count(plan: Plan, one: Restart) -> int:
    """How many crashes a plan's profile gives a restart."""
    return PROFILES[decide.profile(plan)].crashes[int(one.control is not None)]


def _observe(
    claim: Claim, one: Restart, plan: Plan, rig: block.Rig | None, folder: Path
) -> tuple[crashes.Crash, ...] | str:
    """Crashes of a restart, or why there are none; without a rig only those that are kept."""
    count = crash_count(plan, one)
    place = folder / "crashes" / decide.key(claim, one)
    place.mkdir(parents=True, exist_ok=True)
    if rig is None:
        return tuple(crashes.kept(place)) or "it was not observed"
    try:
        return tuple(crashes.observe(one, _parse(one.target), rig, place, count, plan.seed))
    except EngineGone:
        raise
    except CannotMeasure as error:
        return str(error).splitlines()[0].rstrip(".")


def _conditions(claim: Claim, depth: Profile, where: settings.Settings, seed: int) -> list[Condition]:
    """The claim's duets that fit into the profile's time, in the order of the claim."""
    found: list[Condition] = []
    spent_s = 0.0
    for duet in claim.conditions:
        if not isinstance(duet, Duet):
            continue
        condition = decide.condition_of(claim, duet, where.root, where.plugins, depth.measure_s, seed)
        cost_s = depth.blocks * sum(session.seconds_per_block(condition, grain) for grain in condition.grains)
        if spent_s + cost_s <= depth.claim_s:
            found.append(condition)
            spent_s += cost_s
    return found


def finish(plan: Plan, folder: Path, blocks: Sequence[Block]) -> dict[str, Any]:
    """Decide every claim, write verdicts and report; returns the document.

    Raises TooFewBlocks where no claim got a verdict for want of valid blocks.
    """
    from harness.report.write import write_report  # noqa: PLC0415  (charts' libraries: only a finished run needs them)

    chosen = chosen_claims(plan)
    seen = _seen(plan, folder, blocks)
    rows = [decide.claim(claim, plan, folder, seen) for claim in chosen]
    document = {
        "schema": 1,
        "kind": "claims",
        "harness_version": __version__,
        "run": str(folder),
        "runtime": plan.runtime,
        "claims": rows,
    }
    write_json(folder / "verdicts.json", document)
    write_report(folder)
    if blocks and all(one.voids for one in blocks) and all(row["verdict"] == "inconclusive" for row in rows):
        raise TooFewBlocks(
            f"All {len(blocks)} blocks are void.", "Wait for a calmer machine (`harness doctor`).", str(folder)
        )
    return document


def _probe_lines(plan: Plan, rig: block.Rig) -> dict[str, Any]:
    """The lines of every probe, each once."""
    found: dict[str, Any] = {}
    chosen = _probes(plan)
    for number, (module, one) in enumerate(chosen.items(), start=1):
        name = module.rpartition(".")[2]
        # On a quiet machine; a busy one is given longer (``probes.limit_s``).
        takes = f", about {one.wall_s:.0f} s" if one.wall_s else ""
        sys.stderr.write(f"probe {number}/{len(chosen)} {name}{takes}\n")
        try:
            with _lent(one, rig, plan.seed) as lent:
                found[module] = probes.observe(module, one.arguments, rig.root, None, lent, probes.limit_s(one))
        except CannotMeasure as error:
            found[module] = str(error).splitlines()[0].rstrip(".")
    return found


@contextlib.contextmanager
def _lent(one: Probe, rig: block.Rig, seed: int) -> Iterator[dict[str, str]]:
    """Addresses of what a probe needs: a copy of the data of its own, since probes write."""
    behind = Behind(backends=one.behind, rows=one.rows, seed=seed, own=True) if one.behind else None
    with lending(rig.backing, behind, ["probe"]) as lent:
        yield lent.environments.get("probe", {})


def text(document: dict[str, Any]) -> str:
    """Verdicts as a person reads them."""
    lines = []
    for row in document["claims"]:
        lines += [f"{row['number']}. {row['statement']}", f"   {row['verdict'].upper()}: {row['sentence']}"]
        if row["reason"] and row["reason"] not in row["sentence"]:
            lines.append(f"   Reason: {row['reason']}.")
        lines.append(f"   Again: {row['rerun']}")
    lines.append(f"Report: {document['run']}/report/index.html")
    return "\n".join(lines)
