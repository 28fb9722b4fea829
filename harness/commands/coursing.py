"""The courses of a run: how many rounds each gets, where their passages lie, and how they are observed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from harness import outcomes, passages
from harness.backends import toxiproxy
from harness.block import Rig
from harness.claims.claim import Claim
from harness.course import Course, Timeline
from harness.errors import CannotMeasure, EngineGone
from harness.model import Behind, Plan
from harness.passage import Passage

WHY = "why-not.txt"
"""Says in a course's folder why it could not be observed."""


def planned(chosen: Sequence[Claim], most: int, claim_s: float) -> dict[str, int]:
    """Rounds of each course: as many as profile and time allow; too few decide nothing and are left.

    A course that another claim has measured costs a claim nothing.
    """
    found: dict[str, int] = {}
    for claim in chosen:
        fresh = [course for course in _of([claim]) if course.id not in found]
        while fresh:
            rounds = min(most, int(claim_s / sum(passages.seconds(course, 1) for course in fresh)))
            if rounds >= min(most, outcomes.PASSAGES_MIN):
                found |= dict.fromkeys((course.id for course in fresh), rounds)
                break
            fresh.pop()
    return found


def _of(claims: Sequence[Claim]) -> list[Course]:
    found = {one.course.id: one.course for claim in claims for one in claim.conditions if isinstance(one, Timeline)}
    return list(found.values())


def courses(claims: Sequence[Claim], plan: Plan) -> list[tuple[Course, int]]:
    """The courses of a plan with their rounds."""
    return [(course, plan.courses[course.id]) for course in _of(claims) if course.id in plan.courses]


def behind(claims: Sequence[Claim], plan: Plan) -> list[Behind]:
    """What must be started and filled for them."""
    return [
        Behind(backends=course.behind, rows=course.rows, seed=plan.seed, own=True)
        for course, _ in courses(claims, plan)
        if course.behind
    ]


def prepare(claims: Sequence[Claim], plan: Plan, rig: Rig) -> None:
    """Have Toxiproxy ready where a course needs it: its build is no part of a measurement.

    Raises CannotMeasure, with the command that brings it, where there is none and none can be built.
    """
    if any(course.proxied for course, _ in courses(claims, plan)):
        toxiproxy.require(rig.root, rig.session)


def observe(claims: Sequence[Claim], plan: Plan, rig: Rig, folder: Path, parse: passages.Parse) -> None:
    """Observe what is missing; where a course cannot be had, a file beside says why.

    Raises EngineGone: no other course could be had, and `harness resume` goes on where this one ended.
    """
    for course, rounds in courses(claims, plan):
        place = _place(folder, course)
        place.mkdir(parents=True, exist_ok=True)

        def said(text: str, name: str = course.id) -> None:
            sys.stderr.write(f"{name}: {text}\n")

        try:
            passages.observe(course, parse, rig, place, rounds, plan.seed, said)
        except EngineGone:
            raise
        except CannotMeasure as error:
            (place / WHY).write_text(str(error).splitlines()[0].rstrip("."))


def passed(claims: Sequence[Claim], plan: Plan, folder: Path) -> dict[str, tuple[Passage, ...] | str]:
    """What a run folder holds of its courses, or why there is nothing."""
    found: dict[str, tuple[Passage, ...] | str] = {}
    for course, _ in courses(claims, plan):
        place = _place(folder, course)
        why = (place / WHY).read_text() if (place / WHY).exists() else "it was not observed"
        found[course.id] = tuple(passages.kept(place)) or why
    return found


def _place(folder: Path, course: Course) -> Path:
    return folder / "timelines" / course.id
