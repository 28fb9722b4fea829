"""Passages whose figures are known, for tests of verdicts and reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from harness.course import Course, Subject
from harness.model import Fault, Load
from harness.passage import Attempts, Group, Passage, Phase

COURSE = Course(
    id="known",
    subjects=(Subject("a", "uvicorn"), Subject("b", "granian")),
    faults=(Fault(fault="terminate", on="target", start_s=1.0, end_s=None),),
    load=Load(model="open", rate_rps=100, warmup_s=0.5, measure_s=3.0),
    paths=("/ping",),
    what="the server is told to stop",
)


def passage(
    subject: str,
    number: int = 0,
    *,
    goodput: Mapping[str, float] | None = None,
    drops: Mapping[tuple[str, str], Mapping[str, int]] | None = None,
    attempts: tuple[int, int] | None = None,
    **more: Any,
) -> Passage:
    """Give a passage of 100 requests a phase with these shares, drops by (name, moment) and attempts."""
    phases: Sequence[Phase] = [
        Phase(name, place, place + 1.0, 100, round(100 * share), 1.0, None, None)
        for place, (name, share) in enumerate((goodput or {"before": 1.0}).items())
    ]
    groups = [Group(name, moment, 50, dict(counted)) for (name, moment), counted in (drops or {}).items()]  # type: ignore[arg-type]
    one = Passage(
        course="known",
        subject=subject,
        number=number,
        seed=1,
        started_utc="2026-11-25T00:00:00+00:00",
        phases=tuple(phases),
        groups=tuple(groups),
        happened=(),
        detected_s=0.1,
        not_ready_s=None,
        breaker_s=None,
        recovered_s=None,
        hysteresis=None,
        attempts=None if attempts is None else Attempts(100, attempts[0], attempts[1], 0),
        ended=None,
        explained={"answered": 100},
        unexplained={},
        reconciled=True,
        utilisation=0.2,
        voids=(),
        wall_s=5.0,
    )
    return structs.replace(one, **more)
