"""``harness plan``: what ``duel`` or ``run`` would do, without doing it."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from harness import bank, catalog, decide, machine, passages, probes, session, settings, sweeps, validity
from harness.claims import load_claims
from harness.claims.claim import Claim, Duet, Probe, Sweep
from harness.commands import coursing, duel, run
from harness.course import Timeline
from harness.errors import UsageError
from harness.model import Plan
from harness.stats.looks import VERDICT_CONFIDENCE
from harness.stats.power import noise_floor

_KINDS = ("duel", "run")
_ARMS = 2

PROFILE = "quick"
DEFAULTS: dict[str, Any] = {"scenario": "paths", "load_workers": 1}
"""What the command line fills in where nothing was said."""
OPTIONS = {"rate_rps": "--rate", "paths": "--path", "allow_hosts": "--allow-host"}
"""Names of the command line where they are not those of the question."""

CRASH_S = 12.0
"""What one fault of a restart takes: start of target and generator, the load, their end."""


def preview(
    words: Sequence[str], question: dict[str, Any], *, profile: str, budget: str | None, runtime: str = "local"
) -> dict[str, Any]:
    """The plan of the words: ``duel A B``, ``run CLAIM…``, or either without its first word.

    Raises UsageError where the words are neither two targets nor claims.
    """
    where = settings.load(Path.cwd())
    place = duel.runtime(runtime)
    servers = {entry.name for entry in catalog.servers(where.root, where.plugins)}
    kind, rest = (words[0], list(words[1:])) if words[0] in _KINDS else (_guess(words, servers), list(words))
    if kind == "run":
        _only_of_a_duel(question)
        budget_s = None if budget is None else duel.seconds(budget)
        plan = run.planned(rest, profile=profile, budget_s=budget_s, seed=1, where=where, runtime=place)
        return _document(plan, where.results)
    if len(rest) != _ARMS:
        raise UsageError("A duel has two targets.", "Write `harness plan duel A B`, or `harness plan run CLAIM`.")
    if profile != PROFILE:
        raise UsageError("--profile is for claims, and a duel has none.", "Leave it out: --budget sets the depth.")
    question = {**question, "behind": duel.backends(question["behind"])}
    chosen = "60s" if budget is None else budget
    asked = duel.Question(baseline=rest[0], candidate=rest[1], budget=chosen, seed=1, runtime=place, **question)
    return _document(duel.planned(asked, where), where.results)


def _guess(words: Sequence[str], known: Collection[str]) -> str:
    """Claims where one of the words is a claim and none a target; a duel where one is a target, or there are two."""
    claims = {word for claim in load_claims() for word in (str(claim.number), claim.id)}
    if any("://" in word or re.split("[+,]", word)[0] in known for word in words):
        return "duel"
    return "run" if claims.intersection(words) or len(words) != _ARMS else "duel"


def _only_of_a_duel(question: dict[str, Any]) -> None:
    """Raises UsageError for an option that claims have fixed themselves."""
    for name, value in question.items():
        if value not in (None, (), DEFAULTS.get(name)):
            option = OPTIONS.get(name, f"--{name.replace('_', '-')}")
            raise UsageError(f"{option} is for a duel: a claim says itself what is asked.", "Leave it out.")


def _document(plan: Plan, results: Path) -> dict[str, Any]:
    known = bank.read(bank.bank_path(results, machine.machine_key(), plan.runtime)).entries
    layout = machine.layout(machine.usable_cores(), generators=plan.load_workers)
    rows: list[dict[str, Any]] = [
        {
            "condition": cell.condition.name,
            "grain": cell.grain,
            "blocks": plan.blocks_max,
            "rate_rps": cell.condition.load.rate_rps,
            "users": cell.condition.load.users,
            "wall_s": round(session.seconds_per_block(cell.condition, cell.grain) * plan.blocks_max),
            "smallest_effect": _smallest_effect(cell, plan.blocks_max, known),
        }
        for cell in session.cells(plan)
    ]
    crashes: list[dict[str, Any]] = [
        {"condition": f"{claim.number}: {one.name}", "crashes": count, "wall_s": round(CRASH_S * count)}
        for claim, one in (run.restarts(plan) if plan.command == "run" else [])
        for count in [run.crash_count(plan, one)]
    ]
    sweeps_: list[dict[str, Any]] = [
        {
            "grid": grid.id,
            "cells": len(grid.cells),
            "blocks": blocks,
            "wall_s": round(sweeps.seconds_per_block(grid) * blocks),
        }
        for grid, blocks in (run.grids(plan) if plan.command == "run" else [])
    ]
    courses: list[dict[str, Any]] = [
        {
            "course": course.id,
            "subjects": len(course.subjects),
            "rounds": rounds,
            "wall_s": round(passages.seconds(course, rounds)),
        }
        for course, rounds in (coursing.courses(run.chosen_claims(plan), plan) if plan.command == "run" else [])
    ]
    probes_ = _probes(run.chosen_claims(plan)) if plan.command == "run" and plan.runtime == "local" else []
    untested = [] if layout.pinned else ["latency verdicts: arms and generator share a core"]
    if plan.command == "run":
        untested += [reason for claim in run.chosen_claims(plan) for reason in _untested(claim, plan)]
    return {
        "schema": 1,
        "kind": "plan",
        "cells": rows,
        "crashes": crashes,
        "sweeps": sweeps_,
        "courses": courses,
        "probes": probes_,
        "looks": list(plan.looks),
        "wall_s": sum(row["wall_s"] for row in [*rows, *crashes, *sweeps_, *courses, *probes_]),
        "pinned": layout.pinned,
        "reason": layout.reason,
        "load_workers": plan.load_workers,
        "crowded": validity.crowded(plan.load_workers, len(layout.generator)),
        "untested": untested,
    }


def _probes(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """Each probe once, with the conditions that it decides and its time, or the longest that it may take."""
    asked = [one for claim in claims for one in claim.conditions if isinstance(one, Probe)]
    return [
        {
            "probe": module.rpartition(".")[2],
            "conditions": sum(one.module == module for one in asked),
            "wall_s": next(round(one.wall_s or probes.PROBE_S) for one in asked if one.module == module),
        }
        for module in dict.fromkeys(one.module for one in asked)
    ]


def _smallest_effect(cell: session.Cell, blocks: int, known: Sequence[bank.BankEntry]) -> float | None:
    """Smallest relative effect that so many blocks find with 95 % power, by this machine's bank; None without one."""
    even = cell.grain != "request"
    kind = (cell.condition.regime, cell.grain, even)
    mine = [one for one in known if (one.regime, one.grain, one.at_equal_pace) == kind]
    noise = [value for series in bank.noise_series(mine) for value in series.tolist()]
    if len(noise) < bank.BLOCKS_MIN:
        return None
    found = bank.inflation(known, cell.condition.regime, cell.grain, blocks, VERDICT_CONFIDENCE, at_equal_pace=even)
    return noise_floor(math.sqrt(sum(value**2 for value in noise) / len(noise)), blocks, inflation=found.factor)


def _untested(claim: Claim, plan: Plan) -> list[str]:
    if claim.untested_reason is not None:
        return [f"{claim.number}: {claim.untested_reason}"]
    planned = {condition.name for condition in plan.conditions}
    left = [
        one.name for one in claim.conditions if isinstance(one, Duet) and f"{claim.number}: {one.name}" not in planned
    ]
    left += [one.name for one in claim.conditions if isinstance(one, Sweep) and one.grid.id not in plan.sweeps]
    waiting = [f"{claim.number}, {one.name}: {one.reason}" for one in claim.waiting]
    left += [one.name for one in claim.conditions if isinstance(one, Timeline) and one.course.id not in plan.courses]
    absent = [one for one in claim.conditions if isinstance(one, Probe)] if plan.runtime != "local" else []
    return [
        *waiting,
        *(f"{claim.number}, {name}: {decide.NOT_IN_PROFILE}" for name in left),
        *(f"{claim.number}, {one.name}: {decide.NOT_IN_CONTAINERS}" for one in absent),
    ]


def _name(row: dict[str, Any]) -> str:
    """What a row of a plan is about."""
    return next(str(row[key]) for key in ("condition", "grid", "course", "probe") if key in row)


def _conditions(count: int) -> str:
    return f"{count} condition{'' if count == 1 else 's'}"


def text(document: dict[str, Any]) -> str:
    """A plan as a person reads it."""
    kinds = ("cells", "crashes", "sweeps", "courses", "probes")
    # As wide as the names ask for, and no wider: terminals are narrow.
    wide = max((len(_name(row)) for kind in kinds for row in document[kind]), default=0)
    lines = [
        f"{_name(row):<{wide}}  {row['grain']:<8} {row['blocks']} blocks, about {row['wall_s']} s"
        + (f", {row['rate_rps']:g} requests/s per arm" if row["rate_rps"] else "")
        + (f", {row['users']} connections per arm" if row["users"] else "")
        + (f"; finds {row['smallest_effect']:.1%}" if row["smallest_effect"] else "")
        for row in document["cells"]
    ]
    lines += [f"{_name(row):<{wide}}  {row['crashes']} times, about {row['wall_s']} s" for row in document["crashes"]]
    lines += [
        f"{_name(row):<{wide}}  {row['blocks']} blocks of {row['cells']} cells, about {row['wall_s']} s"
        for row in document["sweeps"]
    ]
    lines += [
        f"{_name(row):<{wide}}  {row['rounds']} rounds of {row['subjects']} subjects, about {row['wall_s']} s"
        for row in document["courses"]
    ]
    lines += [
        f"{_name(row):<{wide}}  {_conditions(row['conditions'])}, about {row['wall_s']} s" for row in document["probes"]
    ]
    looks = f"; looks after {' and '.join(map(str, document['looks']))} blocks of each" if document["cells"] else ""
    if document["wall_s"]:
        lines.append(f"At most {document['wall_s'] / 60:.1f} minutes and the re-runs of void blocks{looks}.")
    else:
        lines.append("There is nothing to measure.")
    if any(row["smallest_effect"] for row in document["cells"]):
        lines.append("Effects are the smallest found with 95 % power, by the blocks that this machine's bank holds.")
    lines += [f"Untested: {reason}." for reason in document["untested"]]
    if document["crowded"]:
        lines.append(
            f"{document['crowded']} load: they send no more than one worker for each core would, and requests wait "
            "while another worker works. Their work is added up, and blocks in which it saturates the cores are void."
        )
    if not document["pinned"]:
        lines.append(f"Nothing can be pinned: {document['reason']}.")
    return "\n".join(lines)
