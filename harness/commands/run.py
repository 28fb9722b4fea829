"""``harness run``: decides claims of the standard, to the depth that the profile sets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from harness import __version__, block, catalog, crashes, decide, duel, probes, processes, session, settings, target
from harness.claims import find, load_claims
from harness.claims.claim import Claim, Duet, Probe, Timeline
from harness.commands.duel import measured
from harness.errors import CannotMeasure, TooFewBlocks
from harness.model import Block, Condition, Plan
from harness.report.write import write_report
from harness.stats.looks import planned_looks
from harness.store.folder import write_json

_PROFILE = decide.PROFILE


class Profile(Struct, frozen=True):
    """How deep a run goes."""

    claims: tuple[str, ...]
    """The profile's own choice where the user names none."""
    blocks: int
    measure_s: float
    crashes: tuple[int, int]
    """Crashes of each timeline, and of each of its controls."""
    claim_s: float
    """Wall time of the duets of one claim; conditions beyond it are left out and said to be."""


CORE = ("1", "2", "3", "4", "6", "7", "8")
"""Claims that need nothing but Python and two cores."""

PROFILES = {
    "smoke": Profile(claims=("8",), blocks=4, measure_s=2.0, crashes=(1, 1), claim_s=20.0),
    "quick": Profile(claims=CORE, blocks=6, measure_s=2.5, crashes=(4, 1), claim_s=120.0),
    "full": Profile(claims=CORE, blocks=12, measure_s=5.0, crashes=(8, 4), claim_s=24 * 3600.0),
}


def run(
    names: Sequence[str], *, profile: str, budget_s: float | None, seed: int, results: Path | None
) -> dict[str, Any]:
    """Measure and decide the named claims; the document of the contract."""
    where = settings.load(Path.cwd())
    draft = planned(names, profile=profile, budget_s=budget_s, seed=seed, where=where)
    with processes.supervised() as label:
        rig = duel.rig(where.root, where.plugins, label, 1)
        plan = duel.resolved(draft, rig)
        slug = "-".join(claim.id for claim in chosen_claims(plan))
        folder = duel.start_run(where, plan, slug, results, rig.layout)
        return measured(folder, lambda: work(plan, rig, folder), finish)


def planned(names: Sequence[str], *, profile: str, budget_s: float | None, seed: int, where: settings.Settings) -> Plan:
    """The plan for some claims (none: the profile's choice); what the pilot decides is still open in it."""
    depth = PROFILES[target.choose("profile", profile, PROFILES)]
    chosen = find(list(names) or list(depth.claims), load_claims())
    if budget_s is not None:
        depth = structs.replace(depth, claim_s=budget_s)
    return Plan(
        command="run",
        seed=seed,
        conditions=tuple(one for claim in chosen for one in _conditions(claim, depth, where)),
        blocks_max=depth.blocks,
        looks=planned_looks(depth.blocks, first=4, count=2),
        rerun_max=max(1, depth.blocks // 2),
        claims=(*(claim.id for claim in chosen), f"{_PROFILE}{profile}"),
    )


def work(plan: Plan, rig: block.Rig, folder: Path) -> list[Block]:
    """Measure the duets and observe the timelines; what ``folder`` holds already is not repeated."""
    blocks = duel.measure(plan, rig, folder, quiet=False)
    for claim, one in timelines(plan):
        sys.stderr.write(f"{claim.number}: {one.name}\n")
        _observe(claim, one, plan, rig, folder)
    return blocks


def timelines(plan: Plan) -> list[tuple[Claim, Timeline]]:
    """The timelines of a plan's claims."""
    return [(claim, one) for claim in chosen_claims(plan) for one in claim.conditions if isinstance(one, Timeline)]


def chosen_claims(plan: Plan) -> list[Claim]:
    """The claims that a plan is for."""
    return list(find([name for name in plan.claims if not name.startswith(_PROFILE)], load_claims()))


def crash_count(plan: Plan, one: Timeline) -> int:
    """How many crashes a plan's profile gives a timeline."""
    return PROFILES[decide.profile(plan)].crashes[int(one.control is not None)]


def _observe(
    claim: Claim, one: Timeline, plan: Plan, rig: block.Rig | None, folder: Path
) -> tuple[crashes.Crash, ...] | str:
    """Crashes of a timeline, or why there are none; without a rig only those that are kept."""
    where = settings.load(Path.cwd())
    options = catalog.server_options(where.root, where.plugins)
    arm = target.parse(one.target, servers=options, serializers=())
    count = crash_count(plan, one)
    place = folder / "crashes" / decide.key(claim, one)
    place.mkdir(parents=True, exist_ok=True)
    if rig is None:
        return tuple(crashes.kept(place)) or "it was not observed"
    try:
        return tuple(crashes.observe(one, arm, rig, place, count, plan.seed))
    except CannotMeasure as error:
        return str(error).splitlines()[0].rstrip(".")


def _conditions(claim: Claim, depth: Profile, where: settings.Settings) -> list[Condition]:
    """The claim's duets that fit into the profile's time, in the order of the claim."""
    found: list[Condition] = []
    spent_s = 0.0
    for duet in claim.conditions:
        if not isinstance(duet, Duet):
            continue
        condition = decide.condition_of(claim, duet, where.root, where.plugins, depth.measure_s)
        cost_s = depth.blocks * sum(session.seconds_per_block(condition, grain) for grain in condition.grains)
        if spent_s + cost_s <= depth.claim_s:
            found.append(condition)
            spent_s += cost_s
    return found


def finish(plan: Plan, folder: Path, blocks: Sequence[Block]) -> dict[str, Any]:
    """Run the probes, decide every claim, write verdicts and report; returns the document.

    Raises TooFewBlocks where no claim got a verdict for want of valid blocks.
    """
    where = settings.load(Path.cwd())
    chosen = chosen_claims(plan)
    lines = _probe_lines(chosen, where.root)
    write_json(folder / "probes.json", {"schema": 1, "kind": "probes", "lines": lines})
    observed = {decide.key(claim, one): _observe(claim, one, plan, None, folder) for claim, one in timelines(plan)}
    seen = decide.Seen(blocks=tuple(blocks), lines=lines, crashes=observed)
    rows = [decide.claim(claim, plan, folder, seen) for claim in chosen]
    document = {
        "schema": 1,
        "kind": "claims",
        "harness_version": __version__,
        "run": str(folder),
        "claims": rows,
    }
    write_json(folder / "verdicts.json", document)
    write_report(folder)
    if blocks and all(one.voids for one in blocks) and all(row["verdict"] == "inconclusive" for row in rows):
        raise TooFewBlocks(
            f"All {len(blocks)} blocks are void.", "Wait for a calmer machine (`harness doctor`).", str(folder)
        )
    return document


def _probe_lines(claims: Sequence[Claim], root: Path) -> dict[str, Any]:
    asked = {one.module: one.arguments for claim in claims for one in claim.conditions if isinstance(one, Probe)}
    return {module: probes.observe(module, arguments, root, None) for module, arguments in asked.items()}


def text(document: dict[str, Any]) -> str:
    """Verdicts as a person reads them."""
    lines = []
    for row in document["claims"]:
        lines += [f"{row['number']}. {row['statement']}", f"   {row['verdict'].upper()}: {row['sentence']}"]
        if row["reason"]:
            lines.append(f"   Reason: {row['reason']}.")
        lines.append(f"   Again: {row['rerun']}")
    lines.append(f"Report: {document['run']}/report/index.html")
    return "\n".join(lines)
