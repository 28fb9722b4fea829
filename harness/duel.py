"""``harness duel``: which of two targets costs less on an app, by how much, with the interval."""

from __future__ import annotations

import contextlib
import datetime
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from harness import (
    __version__,
    bank,
    behind,
    block,
    catalog,
    estimate,
    latency,
    machine,
    pilot,
    processes,
    rules,
    session,
    settings,
    supervisor,
    validity,
)
from harness import target as targets
from harness.backends.backing import backing
from harness.errors import TooFewBlocks
from harness.model import Block, Condition, Interval, Load, Plan, RuntimeName
from harness.progress import Progress
from harness.runtimes import choice, local
from harness.stats.looks import schedule
from harness.stats.pace import levelled
from harness.stats.ratios import block_log_ratio, cost_per_request_ns, instance_log_ratio
from harness.store.folder import create_run, write_json
from harness.store.run import Run, hash_plan, write_run

CONFIDENCE = 0.95

_MEND = "Wait for a calmer machine (`harness doctor`), or give more time with --budget."
_MEND_MEMORY = "Give the arm more memory (memory=…), or fewer workers; the blocks say which was killed."


@contextlib.contextmanager
def rig(root: Path, plugins: Sequence[Path], label: processes.Session, workers: int) -> Iterator[block.Rig]:
    """What all blocks of a session share; this process gets its cores back with the end of the block."""
    layout = machine.layout(machine.usable_cores(), generators=workers)
    # The instrument's own work (meters, writing) must not land on the arms' core.
    with processes.pinned(layout.generator if layout.pinned else None):
        yield block.Rig(
            root=root,
            scenarios={entry.name: entry.path for entry in catalog.scenarios(root, plugins)},
            session=label,
            layout=layout,
            load_workers=workers,
        )


CONTAINERS = "containers"
"""Where the machine's record holds engine, Compose, control groups and image of a run in containers."""

DATA = "data"
"""Folder beside the runs where the embedded PostgreSQL keeps its seeded templates from session to session."""


@contextlib.contextmanager
def rigged(
    where: settings.Settings, plan: Plan, results: Path | None, before: Mapping[str, Any] | None = None
) -> Iterator[block.Rig]:
    """The rig of a session, with what stands behind the plan's arms; all of it ends with the block.

    ``before`` is the machine's record of the run that is gone on with.
    """
    runtime = choice.ready(plan.runtime, where.root, None if before is None else before.get(CONTAINERS))
    with (
        processes.supervised(containers=plan.runtime == "compose") as label,
        rig(where.root, where.plugins, label, plan.load_workers) as one_rig,
    ):
        bare = structs.replace(one_rig, runtime=runtime)
        cores = bare.layout.arms if bare.layout.pinned else None
        with backing((results or where.results) / DATA, where.root, label, cores) as one:
            for condition in plan.conditions:
                if condition.behind is not None:
                    one.prepare(condition.behind)
            yield structs.replace(bare, backing=one)


def start_run(where: settings.Settings, plan: Plan, slug: str, results: Path | None, the_rig: block.Rig) -> Path:
    """Make the run folder and write the plan with its hash, before the first block."""
    now = datetime.datetime.now(datetime.UTC)
    folder = create_run(results or where.results, plan.command, slug, now)
    layout = the_rig.layout
    record = msgspec.to_builtins(machine.record(where.root, sorted({*layout.arms, *layout.generator})))
    if the_rig.backing is not None and the_rig.backing.server is not None:
        record["postgres"] = the_rig.backing.server.settings
    if the_rig.runtime.record:
        record[CONTAINERS] = the_rig.runtime.record
    write_run(
        folder,
        Run(
            plan=plan,
            plan_hash=hash_plan(plan),
            seed=plan.seed,
            argv=tuple(sys.argv),
            machine=record,
            started_utc=now.isoformat(timespec="seconds"),
            harness_version=__version__,
        ),
    )
    return folder


def verify(plan: Plan, root: Path) -> None:
    """Import each distinct app in its own interpreter before anything is measured.

    In a container the server does that: nothing of this machine can.
    """
    if plan.runtime != "local":
        return
    seen = set()
    for condition in plan.conditions:
        for arm in (condition.baseline, condition.candidate):
            key = (local.interpreter(arm), condition.app, tuple(sorted(arm.environment.items())))
            if arm.url is None and condition.app.module is not None and key not in seen:
                local.probe_import(arm, condition.app, root)
                seen.add(key)


def bank_entries(folder: Path, runtime: RuntimeName = "local") -> tuple[bank.BankEntry, ...]:
    """What this machine's bank knows from other runs than ``folder``; the bank lies beside the runs."""
    return tuple(entry for entry in whole_bank(folder, runtime) if entry.run != folder.name)


def whole_bank(folder: Path, runtime: RuntimeName = "local") -> tuple[bank.BankEntry, ...]:
    """What this machine's bank knows of a runtime's noise, the run ``folder`` included."""
    return bank.read(_bank_path(folder, runtime)).entries


def _bank_path(folder: Path, runtime: RuntimeName) -> Path:
    return bank.bank_path(folder.parent.parent, machine.machine_key(), runtime)


def grow_bank(plan: Plan, folder: Path, blocks: Sequence[Block]) -> None:
    """Add this session's A/A noise to the bank: two processes of one arm are an A/A of every block.

    Blocks with a database behind them are left out: its noise is not that of a server alone, and the bank does not
    tell the two apart.
    A run that is in the bank already (it was finished, and resumed) is not added again.
    """
    if any(entry.run == folder.name for entry in whole_bank(folder, plan.runtime)):
        return
    for what in plan.conditions:
        for grain in what.grains if what.behind is None else ():
            kind = (what.name, grain)
            valid = [one for one in blocks if not one.voids and (one.condition, one.grain) == kind]
            even = levelled(valid)
            for one in even or valid:
                injected = 1.0 if what.baseline == what.candidate else None
                bank_block(folder, one, what, injected, at_equal_pace=even is not None, runtime=plan.runtime)


def bank_block(
    folder: Path,
    one: Block,
    what: Condition,
    injected_ratio: float | None,
    *,
    at_equal_pace: bool,
    runtime: RuntimeName = "local",
) -> None:
    """Add one valid block to the bank beside the run ``folder``; the true ratio is None where nobody knows it."""
    bank.append(
        _bank_path(folder, runtime),
        bank.BankEntry(
            regime=what.regime,
            grain=one.grain,
            architecture=str(what.baseline.server),
            injected_ratio=injected_ratio,
            log_ratio=block_log_ratio(one),
            aa_log_ratio_baseline=instance_log_ratio(one, "baseline"),
            aa_log_ratio_candidate=instance_log_ratio(one, "candidate"),
            measure_s=what.load.measure_s,
            at_equal_pace=at_equal_pace,
            started_utc=one.started_utc,
            harness_version=__version__,
            run=folder.name,
        ),
    )


def measure(plan: Plan, the_rig: block.Rig, folder: Path, *, quiet: bool) -> list[Block]:
    """Run all blocks of a plan; the looks stop a cell that is decided."""
    cells = session.cells(plan)
    if not cells:
        return []
    progress = Progress(plan.blocks_max * len(cells), reruns=plan.rerun_max * len(cells), quiet=quiet)
    looks = schedule(plan.looks)
    known = bank_entries(folder, plan.runtime)

    def decided(cell: session.Cell, blocks: list[Block], look: int) -> bool:
        found = estimate.cell(blocks, cell.grain, cell.condition, looks[look], known)
        verdict = rules.duel(found.estimate, plan.margin, "A", "B", found.estimate.metric)
        return verdict.verdict != "inconclusive"

    blocks = session.run(plan, the_rig, folder, decided=decided, progress=progress)
    progress.note("Done.")
    return blocks


def document(plan: Plan, folder: Path, blocks: Sequence[Block]) -> dict[str, Any]:
    """The duel's document, as the contract says.  Raises TooFewBlocks without any interval."""
    regimes = [_regime(condition, plan, folder, blocks) for condition in plan.conditions]
    first = plan.conditions[0]
    whole = whole_of(first, plan, folder, blocks)
    valid = [one for one in blocks if not one.voids]
    if all(regime["low"] is None for regime in regimes):
        reasons = _reasons(blocks)
        raise TooFewBlocks(
            f"Only {len(valid)} of {len(blocks)} blocks are valid: {', '.join(reasons) or 'no reason kept'}.",
            _MEND_MEMORY if validity.KILLED in reasons else _MEND,
            run=str(folder),
        )
    labels = targets.label(first.baseline), targets.label(first.candidate)
    mine = [one for one in valid if one.condition == first.name and one.grain == first.grains[0]]
    base_ns = cost_per_request_ns([cost for one in mine for cost in one.costs], "baseline")
    base_us = None if base_ns is None else base_ns / 1e3
    ratio = whole.estimate.value
    verdict = rules.duel(whole.estimate, plan.margin, *labels, whole.estimate.metric, note=_note(whole))
    return {
        "schema": 1,
        "kind": "duel",
        "harness_version": __version__,
        "metric": whole.estimate.metric,
        "baseline": {"label": labels[0], "value": base_us},
        "candidate": {
            "label": labels[1],
            "value": None if base_us is None or ratio is None else base_us * ratio,
        },
        "ratio": ratio,
        "low": whole.estimate.low,
        "high": whole.estimate.high,
        "confidence": CONFIDENCE,
        "noise_floor": whole.estimate.noise_floor,
        "blocks": {"valid": len(valid), "invalid": len(blocks) - len(valid), "reasons": _reasons(blocks)},
        "latency": regimes[0]["latency"],
        "verdict": verdict.verdict,
        "sentence": verdict.sentence,
        "regimes": regimes,
        "runtime": plan.runtime,
        "run": str(folder),
    }


def whole_of(condition: Condition, plan: Plan, folder: Path, blocks: Sequence[Block]) -> estimate.Whole:
    """Estimate one condition over its grains, at the confidence of the look that each cell reached."""
    found, known = [], bank_entries(folder, plan.runtime)
    for grain in condition.grains:
        mine = [one for one in blocks if (one.condition, one.grain) == (condition.name, grain)]
        valid = sum(1 for one in mine if not one.voids)
        reached = [look for look in schedule(plan.looks) if look.blocks <= valid]
        look = (reached or list(schedule(plan.looks))[:1])[-1]
        found.append(estimate.cell(mine, grain, condition, look, known))
    return estimate.condition(found, condition)


def _note(whole: estimate.Whole) -> str:
    notes = []
    if any(one.offset for one in whole.grains):
        notes.append("The A/A control tripped, so the interval is wider by its offset.")
    if any(one.pace_refused for one in whole.grains):
        notes.append("The core looked slower beside one arm than beside the other, so the figures are as metered.")
    if whole.grains_agree is False:
        notes.append("The grains differ by more than chance; the interval is their envelope.")
    return " ".join(notes)


def _regime(condition: Condition, plan: Plan, folder: Path, blocks: Sequence[Block]) -> dict[str, Any]:
    whole = whole_of(condition, plan, folder, blocks)
    used = [
        one.utilisation
        for one in blocks
        if one.condition == condition.name and not one.voids and one.utilisation is not None
    ]
    shares = [
        one.backend_share
        for one in blocks
        if one.condition == condition.name and not one.voids and one.backend_share is not None
    ]
    verdict = rules.duel(
        whole.estimate,
        plan.margin,
        targets.label(condition.baseline),
        targets.label(condition.candidate),
        whole.estimate.metric,
        note=_note(whole),
    )
    return {
        "name": condition.regime,
        "rate_rps": condition.load.rate_rps,
        "users": condition.load.users,
        "arrivals": condition.load.arrivals if condition.load.model == "open" else None,
        "utilisation": sum(used) / len(used) if used else None,
        "behind_utilisation": sum(shares) / len(shares) if shares else None,
        "behind": behind.document(behind.cost(blocks, condition)),
        "grains": {
            one.grain: {
                "ratio": one.estimate.value,
                "low": one.estimate.low,
                "high": one.estimate.high,
                "n": one.estimate.n,
                "at_one_pace": one.at_one_pace,
                "as_metered": _shown(one.metered),
            }
            for one in whole.grains
        },
        "grain_spread": whole.spread,
        "ratio": whole.estimate.value,
        "low": whole.estimate.low,
        "high": whole.estimate.high,
        "noise_floor": whole.estimate.noise_floor,
        "verdict": verdict.verdict,
        "sentence": verdict.sentence,
        "latency": latency.of_condition(folder, blocks, condition),
    }


def _shown(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else {"ratio": interval.value, "low": interval.low, "high": interval.high}


def _reasons(blocks: Sequence[Block]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in blocks:
        for void in one.voids:
            found[void.check] = found.get(void.check, 0) + 1
    return found


def finish(plan: Plan, folder: Path, blocks: Sequence[Block]) -> dict[str, Any]:
    """Write verdicts.json and the report; returns the document."""
    from harness.report.write import write_report  # noqa: PLC0415  (charts' libraries: only a finished run needs them)

    result = document(plan, folder, blocks)
    write_json(folder / "verdicts.json", result)
    write_report(folder)
    return result


def resolved(plan: Plan, the_rig: block.Rig) -> Plan:
    """Choose what the plan's conditions leave open, from a moment of load on each pair of arms.

    An open load without a rate gets the one at which both arms together use about half of their core; slices
    get a length that fits the app.
    """
    moments: dict[bytes, tuple[Block, Load]] = {}
    found = []
    for one in plan.conditions:
        rateless = one.load.model == "open" and one.load.rate_rps is None
        if not rateless and "slice" not in one.grains:
            found.append(one)
            continue
        key = msgspec.json.encode(_moment(one, pilot.LOAD))
        if key not in moments:
            sys.stderr.write(f"Pilot: {one.name}\n")
            moments[key] = _piloted(one, the_rig, plan.seed)
        block_, load = moments[key]
        rate_rps = pilot.rate_for_half(block_, load) if rateless else one.load.rate_rps
        rated = structs.replace(one, load=structs.replace(one.load, rate_rps=rate_rps))
        found.append(structs.replace(rated, slice_s=pilot.slice_s(block_, rated, load)))
    return structs.replace(plan, conditions=tuple(found))


def _moment(one: Condition, load: Load) -> Condition:
    """The pilot's condition: the same arms and question, a moment of open load."""
    return structs.replace(one, name="pilot", regime="open", load=load, grains=("request",))


def _piloted(one: Condition, the_rig: block.Rig, seed: int) -> tuple[Block, Load]:
    """A pilot block and its load, slower and slower until the arms keep up with it."""
    load: Load | None = pilot.LOAD
    while load is not None:
        with tempfile.TemporaryDirectory(prefix=supervisor.temporary(the_rig.session.label)) as place:
            seen = block.run(block.Job(0, _moment(one, load), "request", seed), the_rig, Path(place))
        asked, load = load, pilot.slower(load) if pilot.overrun(seen) else None
    return seen, asked
