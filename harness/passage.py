"""What one subject's passage through a course of faults left: counts, shares and times, and how they are computed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from harness import __version__
from harness.course import Course, Figure, Moment
from harness.happenings import Happened
from harness.model import SCHEMA, Void
from harness.stats import resilience
from harness.stats.recovery import recovered_ns
from harness.store.samples import ERRORS

SERVER_ERROR = 500
"""Statuses from here on are drops: the service failed, whoever is to blame behind it."""

END_S = 2.0
"""Goodput at the end is that of the last two seconds of the load."""


class Phase(Struct, frozen=True):
    """The requests that were due before, during or after the faults."""

    name: str
    start_s: float
    end_s: float
    due: int
    good: int
    """Correct answers within the deadline."""
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Group(Struct, frozen=True):
    """Requests of one name, sent before, during or after the faults, and how those of them failed that did."""

    name: str
    moment: Moment
    sent: int
    drops: dict[str, int]
    """Classes: refused, rst, eof, timeout, protocol, unsent, 5xx."""


class Attempts(Struct, frozen=True):
    """What one service asked of the one behind it."""

    logical: int
    """Requests of the clients."""
    sent: int
    """By the service's own count."""
    arrived: int
    """By the count of the service behind it."""
    wasted: int
    """Worked on to the end after the deadline, or for nobody."""


class Ended(Struct, frozen=True):
    """How the target ended, where it did."""

    status: int
    after_s: float
    """From the first fault."""


class Passage(Struct, frozen=True):
    """One fresh start of a subject and its way through the course (``timelines/<course>/<n>-<subject>/``)."""

    course: str
    subject: str
    number: int
    seed: int
    started_utc: str
    phases: tuple[Phase, ...]
    groups: tuple[Group, ...]
    happened: tuple[Happened, ...]
    detected_s: float | None
    """From the first fault's acknowledgement to the first failure that a client saw."""
    not_ready_s: float | None
    """… to the first answer of readiness that was not 200."""
    breaker_s: float | None
    """… to the opening of the circuit breaker."""
    recovered_s: float | None
    """From the end of the last fault (its beginning, where it has none) to the first due time from which it works."""
    hysteresis: float | None
    attempts: Attempts | None
    ended: Ended | None
    explained: dict[str, int]
    unexplained: dict[str, int]
    reconciled: bool
    """Whether there was a ledger to compare with."""
    utilisation: float | None
    voids: tuple[Void, ...]
    wall_s: float
    schema: int = SCHEMA
    kind: str = "passage"
    harness_version: str = __version__


def figure(passage: Passage, name: Figure) -> float | None:
    """One figure of a passage; None where it could not be had."""
    phases = {one.name: one for one in passage.phases}
    where, _, what = name.rpartition("_")
    if name.startswith("goodput_"):
        phase = phases.get(what)
        return phase.good / phase.due if phase is not None and phase.due else None
    if passage.attempts is not None and where == "amplification":
        count = passage.attempts.sent if what == "sent" else passage.attempts.arrived
        return resilience.amplification(count, passage.attempts.logical)
    simple: dict[Figure, float | None] = {
        "hysteresis": passage.hysteresis,
        "detected_s": passage.detected_s,
        "recovered_s": passage.recovered_s,
        "p50_before_ms": phases["before"].p50_ms if "before" in phases else None,
        "p50_during_ms": phases["during"].p50_ms if "during" in phases else None,
        "lost": _lost(passage.groups),
        "p99_during_ms": phases["during"].p99_ms if "during" in phases else None,
        "exit_s": passage.ended.after_s if passage.ended is not None else None,
        "wasted": _wasted(passage.attempts),
    }
    return simple.get(name)


def _lost(groups_: Sequence[Group]) -> float | None:
    """Share of requests that failed in any way but a refused connection, which a client may send again at no risk."""
    sent = sum(one.sent for one in groups_)
    lost = sum(count for one in groups_ for name, count in one.drops.items() if name != "refused")
    return lost / sent if sent else None


def _wasted(attempts: Attempts | None) -> float | None:
    return None if attempts is None else resilience.amplification(attempts.wasted, attempts.logical)


class Clock(Struct, frozen=True):
    """The course's moments as they were: CLOCK_MONOTONIC, in ns."""

    zero_ns: int
    """Start of the measured phase."""
    asked_ns: int | None
    """When the first fault was asked for: what left earlier cannot have met it.  None where nothing happens."""
    began_ns: int | None
    """Acknowledgement of the first fault; None where nothing happens."""
    over_ns: int | None
    """Acknowledged end of the last fault; its beginning, where it is an instant."""
    stop_ns: int
    """End of the measured phase."""


def clock(course: Course, zero_ns: int, happened: Sequence[Happened]) -> Clock:
    """The moments of a passage, from what was acknowledged."""
    begun = [one for one in happened if one.error is None and one.acknowledged_ns is not None]
    if not begun and course.faults:
        # Nothing happens to a control: its phases are those that the others have.
        asked = starts = [zero_ns + round(one.start_s * 1e9) for one in course.faults]
        ends = [zero_ns + round((one.end_s or one.start_s) * 1e9) for one in course.faults]
    else:
        asked = [one.began_ns for one in begun]
        starts = [one.acknowledged_ns or 0 for one in begun]
        ends = [one.ended_ns or one.acknowledged_ns or 0 for one in begun]
    return Clock(
        zero_ns=zero_ns,
        asked_ns=min(asked, default=None),
        began_ns=min(starts, default=None),
        over_ns=max(ends, default=None),
        stop_ns=zero_ns + round(course.load.measure_s * 1e9),
    )


class Seen(Struct, frozen=True):
    """The measured requests of a passage, one element each."""

    due_ns: np.ndarray[Any, Any]
    start_ns: np.ndarray[Any, Any]
    end_ns: np.ndarray[Any, Any]
    """−1 where none came."""
    correct: np.ndarray[Any, Any]
    in_time: np.ndarray[Any, Any]
    drop: np.ndarray[Any, Any]
    """Class of the failure, empty where there is none."""
    names: np.ndarray[Any, Any]


def last_attempts(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Of each request the row that its client went away with: a client may have tried again."""
    order = np.lexsort((rows["attempt"], rows["logical_id"]))
    ids = rows["logical_id"][order]
    last = np.append(ids[1:] != ids[:-1], [True] * bool(len(ids))).astype(bool)
    chosen: np.ndarray[Any, Any] = rows[np.sort(order[last])]
    return chosen


def seen(rows: np.ndarray[Any, Any], names: Sequence[str], course: Course) -> Seen:
    """What the raw rows say of each request."""
    correct = (rows["error"] == 0) & (rows["end_ns"] >= 0) & np.isin(rows["status"], course.expect)
    deadline_ns = round(course.deadline_ms * 1e6)
    classes = np.array(["", *ERRORS])[rows["error"]]
    unanswered = (rows["error"] == 0) & (rows["end_ns"] < 0)
    failed = (rows["error"] == 0) & (rows["status"] >= SERVER_ERROR)
    drop = np.where(unanswered, "unsent", np.where(failed, "5xx", classes))
    labels = np.array([*names, ""])[np.minimum(rows["name_index"], len(names))]
    return Seen(
        due_ns=rows["due_ns"],
        start_ns=rows["start_ns"],
        end_ns=rows["end_ns"],
        correct=correct,
        in_time=resilience.within_deadline(rows["due_ns"], rows["end_ns"], correct, deadline_ns),
        drop=drop,
        names=labels,
    )


def phases(requests: Seen, moments: Clock) -> tuple[Phase, ...]:
    """Before, during and after the faults, as far as there are such times."""
    began, over = moments.began_ns, moments.over_ns
    if began is None or over is None:
        return (_phase("before", requests, moments, moments.zero_ns, moments.stop_ns),)
    edges = [("before", moments.zero_ns, began), ("during", began, over), ("after", over, moments.stop_ns)]
    return tuple(_phase(name, requests, moments, start, end) for name, start, end in edges if end > start)


def _phase(name: str, requests: Seen, moments: Clock, start_ns: int, end_ns: int) -> Phase:
    mine = (requests.due_ns >= start_ns) & (requests.due_ns < end_ns)
    took = (requests.end_ns - requests.due_ns)[mine & requests.correct]
    p50, p95, p99 = (resilience.quantile_ms(took, q) for q in (0.5, 0.95, 0.99))
    return Phase(
        name=name,
        start_s=(start_ns - moments.zero_ns) / 1e9,
        end_s=(end_ns - moments.zero_ns) / 1e9,
        due=int(mine.sum()),
        good=int(requests.in_time[mine].sum()),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )


def groups(requests: Seen, moments: Clock) -> tuple[Group, ...]:
    """Requests and drops by name, and by when they were sent.

    A signal has been delivered at some time between the moments of its being asked for and acknowledged: only what
    was sent before the first of them was surely sent before the signal.
    """
    began = moments.asked_ns if moments.asked_ns is not None else math.inf
    over = moments.over_ns if moments.over_ns is not None else math.inf
    # What never left would have left at its due time.
    left = np.where(requests.start_ns >= 0, requests.start_ns, requests.due_ns)
    found = []
    for name in sorted(set(requests.names.tolist())):
        spans: tuple[tuple[Moment, Any], ...] = (
            ("before", left < began),
            ("during", (left >= began) & (left < over)),
            ("over", (left >= began) & (left >= over)),
        )
        for moment, chosen in spans:
            mine = chosen & (requests.names == name)
            if mine.any():
                counted = Counter(one for one in requests.drop[mine].tolist() if one)
                found.append(Group(name, moment, int(mine.sum()), dict(sorted(counted.items()))))
    return tuple(found)


def detected_s(requests: Seen, moments: Clock) -> float | None:
    """From the first fault to the first failure that a client saw."""
    if moments.began_ns is None:
        return None
    at_ns = resilience.detected_ns(requests.end_ns, ~requests.correct & (requests.end_ns >= 0), moments.began_ns)
    return None if at_ns is None else (at_ns - moments.began_ns) / 1e9


def recovered_s(requests: Seen, moments: Clock) -> float | None:
    """From the end of the last fault to the first due time from which the service works again."""
    if moments.over_ns is None:
        return None
    at_ns = recovered_ns(requests.due_ns, requests.in_time, moments.over_ns)
    return None if at_ns is None else (at_ns - moments.over_ns) / 1e9


def hysteresis(requests: Seen, moments: Clock) -> float | None:
    """Goodput of the last two seconds ÷ goodput before the faults."""
    if moments.began_ns is None:
        return None
    last = moments.stop_ns - round(END_S * 1e9), moments.stop_ns
    return resilience.hysteresis(requests.due_ns, requests.in_time, (moments.zero_ns, moments.began_ns), last)
