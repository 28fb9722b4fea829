"""Who lost what: matrices of dropped requests, by server, signal, options, client and kind of request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from harness import outcomes
from harness.claims import load_claims
from harness.course import MATRIX, Course, Moment, Never, Timeline
from harness.passage import Group, Passage
from harness.report import words
from harness.report.page import Table

UNSTABLE = "a cell that was 0 in some trials and more in others is marked unstable"

Pick = Callable[[Group], bool]


class Count(Struct, frozen=True):
    """What of a cell's requests was lost, over all of its trials."""

    sent: int
    lost: Counter[str]
    """By class; a refused connection is no loss."""
    refused: int
    hit: int
    """Trials that lost something …"""
    trials: int
    """… of so many."""

    @property
    def unstable(self) -> bool:
        """Whether some trials lost something and others nothing."""
        return 0 < self.hit < self.trials


def count(mine: Sequence[Passage], pick: Pick) -> Count:
    """Count the chosen groups of some passages."""
    chosen = [[group for group in one.groups if pick(group)] for one in mine]
    lost = [_lost(groups) for groups in chosen]
    return Count(
        sent=sum(group.sent for groups in chosen for group in groups),
        lost=sum(lost, Counter[str]()),
        refused=sum(group.drops.get("refused", 0) for groups in chosen for group in groups),
        hit=sum(bool(one) for one in lost),
        trials=len(lost),
    )


def _lost(groups: Sequence[Group]) -> Counter[str]:
    found: Counter[str] = Counter()
    for group in groups:
        found.update({kind: number for kind, number in group.drops.items() if kind != "refused"})
    return found


def cell(mine: Sequence[Passage], pick: Pick) -> str:
    """Lost requests by class, of how many, those refused, and whether the trials agree that there are any."""
    found = count(mine, pick)
    if not found.sent:
        return words.MISSING
    beside = f"; {found.refused} refused" if found.refused else ""
    if not found.lost:
        return f"0 of {found.sent}{beside}"
    kinds = ", ".join(f"{number} {kind}" for kind, number in found.lost.most_common())
    unstable = f"; unstable: in {found.hit} of {found.trials} trials" if found.unstable else ""
    return f"{kinds} of {found.sent}{beside}{unstable}"


def named(first: str = "", last: str = "", moments: Sequence[Moment] = ("before", "during", "over")) -> Pick:
    """Choose groups by how their names begin and end, and by when their requests were sent."""
    return lambda group: group.name.startswith(first) and group.name.endswith(last) and group.moment in moments


def clients(passages: Iterable[Passage]) -> list[str]:
    """The clients that are told apart: first words of the groups' names, where these have two."""
    names = sorted({group.name for one in passages for group in one.groups if " " in group.name})
    return list(dict.fromkeys(name.split(" ")[0] for name in names))


def subjects(course: Course, passages: Iterable[Passage]) -> list[str]:
    """The subjects of a course that have a valid passage, in the course's order."""
    there = {one.subject for one in passages if not one.voids}
    return [one.name for one in course.subjects if one.name in there]


def joint(passed: Sequence[tuple[Course, Sequence[Passage]]]) -> list[Table]:
    """The one matrix of a claim's courses: a row for each server, signal and options, a column for each client."""
    columns = clients(one for _, passages in passed for one in passages if not one.voids)
    rows = [
        (*subject.row, *(cell(mine, named(f"{client} ")) for client in columns), _ended(mine), str(len(mine)))
        for course, passages in passed
        for subject in course.subjects
        if subject.row and (mine := outcomes.of(passages, subject.name))
    ]
    if not rows:
        return []
    caption = f"every server, signal and client: requests lost, whenever sent, refused ones beside them; {UNSTABLE}"
    header = (*MATRIX, *(f"{client} client" for client in columns), "server ended", "n (trials)")
    return [Table(caption=caption, header=header, rows=tuple(sorted(rows, key=lambda row: row[: len(MATRIX)])))]


def _ended(mine: Sequence[Passage]) -> str:
    """How many ended while the load ran: one that goes on serving loses nothing yet."""
    return f"{sum(one.ended is not None for one in mine)} of {len(mine)}"


def tables(course: Course, passages: Sequence[Passage]) -> list[Table]:
    """A course's own matrices, where anything can be dropped: by client, and of what was in flight by kind."""
    valid = [one for one in passages if not one.voids]
    if not any(isinstance(one.rule, Never) for one in _conditions(course)):
        return []
    every = sorted({group.name for one in valid for group in one.groups if " " in group.name})
    kinds = list(dict.fromkeys(name.split(" ")[-1] for name in every))
    by_client = [(f"{client} client", named(f"{client} ")) for client in clients(valid)]
    by_kind = [(kind, named("", f" {kind}", ("before",))) for kind in kinds]
    found = []
    if not any(subject.row for subject in course.subjects):
        caption = f"{course.id}: lost, whenever sent; refused connections beside them; {UNSTABLE}"
        found.append(_matrix(course, valid, by_client or [("all requests", named())], caption))
    if by_kind:
        caption = f"{course.id}: lost of those sent before the fault; {UNSTABLE}"
        found.append(_matrix(course, valid, by_kind, caption))
    return found


def _matrix(course: Course, valid: Sequence[Passage], columns: Sequence[tuple[str, Pick]], caption: str) -> Table:
    rows = tuple(
        (subject, *(cell(outcomes.of(valid, subject), pick) for _, pick in columns))
        for subject in subjects(course, valid)
    )
    return Table(caption=caption, header=("subject", *(name for name, _ in columns)), rows=rows)


def _conditions(course: Course) -> list[Timeline]:
    return [
        one
        for claim in load_claims()
        for one in claim.conditions
        if isinstance(one, Timeline) and one.course.id == course.id
    ]
