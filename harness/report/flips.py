"""Cells of the matrices of drops in two runs: which of them flip between none and some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import outcomes
from harness.passages import kept
from harness.report import words
from harness.report.drops import Count, clients, count, named

Key = tuple[str, str, str]
"""Course, subject, client."""

COURSES = "timelines"


def flips(run_a: Path, run_b: Path) -> list[dict[str, Any]]:
    """Give every cell that either run has; ``stable`` is None where one of them has it not.

    A cell is stable where all trials of both runs lost something, or none did.
    """
    first, second = dict(_cells(run_a)), dict(_cells(run_b))
    return [_row(key, first.get(key), second.get(key)) for key in dict.fromkeys([*first, *second])]


def text(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say how many cells are stable, and name each that is not."""
    both = [row for row in rows if row["stable"] is not None]
    if not both:
        return []
    loose = [row for row in both if not row["stable"]]
    named_ = [
        f"  UNSTABLE  {row['course']}: {row['subject']}, {row['client']} client: "
        f"{_said(row['a'])} in A, {_said(row['b'])} in B"
        for row in loose
    ]
    return [f"Requests lost: {len(both) - len(loose)} of {len(both)} cells are stable.", *named_]


def _cells(run: Path) -> Iterator[tuple[Key, Count]]:
    for place in sorted((run / COURSES).glob("*/")):
        passages = kept(place)
        for subject in dict.fromkeys(one.subject for one in passages):
            mine = outcomes.of(passages, subject)
            for client in clients(mine):
                yield (place.name, subject, client), count(mine, named(f"{client} "))


def _row(key: Key, a: Count | None, b: Count | None) -> dict[str, Any]:
    stable = None if a is None or b is None else a.hit + b.hit in {0, a.trials + b.trials}
    course, subject, client = key
    return {
        "course": course,
        "subject": subject,
        "client": client,
        "a": _figures(a),
        "b": _figures(b),
        "stable": stable,
    }


def _figures(found: Count | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "sent": found.sent,
        "lost": dict(found.lost),
        "refused": found.refused,
        "trials": found.trials,
        "trials_with_losses": found.hit,
    }


def _said(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return words.MISSING
    lost = sum(figures["lost"].values())
    return f"{lost} of {figures['sent']} (in {figures['trials_with_losses']} of {figures['trials']} trials)"
