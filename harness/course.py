"""Courses of faults: what several subjects go through under load, and the rules that judge them.

A course is to a timeline what a grid is to a sweep: one experiment that several conditions may read.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from harness.model import Backend, Fault, Load

Figure = Literal[
    "goodput_before",
    "goodput_during",
    "goodput_after",
    "hysteresis",
    "amplification_sent",
    "amplification_arrived",
    "wasted",
    "detected_s",
    "recovered_s",
    "p50_before_ms",
    "p50_during_ms",
    "p99_during_ms",
    "lost",
    "exit_s",
]
"""Figures of one passage, as ``harness.passage`` defines them."""

FIGURES: dict[Figure, str] = {
    "goodput_before": "goodput before the faults",
    "goodput_during": "goodput during the faults",
    "goodput_after": "goodput after the faults",
    "hysteresis": "goodput at the end ÷ before the faults",
    "amplification_sent": "attempts sent per request",
    "amplification_arrived": "attempts arrived per request",
    "wasted": "work finished after its deadline, per request",
    "detected_s": "time to the first failure seen",
    "recovered_s": "time to recover",
    "p50_before_ms": "median response time before the faults",
    "p50_during_ms": "median response time during the faults",
    "lost": "requests lost other than refused",
    "p99_during_ms": "99th percentile of the response time during the faults",
    "exit_s": "time to exit",
}
"""Each as it is said aloud."""

Moment = Literal["before", "during", "over"]
"""Whether a request was sent before the first fault began, until the last one ended, or later."""


class Subject(Struct, frozen=True):
    """One that goes through the course, in fresh processes each time."""

    name: str
    target: str
    """A target as people write it."""
    direct: bool = False
    """The control of the instrument: no proxy stands before what is behind it, and nothing happens to it."""
    faults: tuple[Fault, ...] | None = None
    """What happens to this subject; None: what happens to all."""
    measure_s: float | None = None
    """What this subject needs of time; None: what all have."""
    row: tuple[str, ...] = ()
    """Its row in the claim's one matrix of drops, a cell for each of ``MATRIX``; empty: it is in none."""


MATRIX = ("server", "signal", "options")
"""What the rows of the matrix differ by; courses of one claim share it."""


class Course(Struct, frozen=True):
    """One experiment: an open load, and what happens meanwhile."""

    id: str
    subjects: tuple[Subject, ...]
    faults: tuple[Fault, ...]
    load: Load
    paths: tuple[str, ...]
    what: str
    """What happens, for captions: "the dependency answers a quarter as fast for 3 s"."""
    deadline_ms: float = 1000.0
    """An answer that comes later is no goodput."""
    scenario: str = "paths"
    parameters: dict[str, Any] = {}
    expect: tuple[int, ...] = (200,)
    app: str | None = None
    """None: the reference service."""
    behind: tuple[Backend, ...] = ()
    rows: int | None = None
    upstream: dict[str, str] | None = None
    """Settings of the service behind the service; None: there is none."""
    proxied: tuple[str, ...] = ()
    """What Toxiproxy stands before: postgres, valkey, upstream, client."""
    watch_ready: bool = False
    """Whether readiness is asked all the while."""
    disk_mib: int | None = None
    """Size of a disk of the target's own, which TMPDIR names to it; None: it shares everybody's."""


class Never(Struct, frozen=True, tag="never"):
    """No request that matches was dropped in any passage of the subject."""

    subject: str
    classes: tuple[str, ...]
    """Classes of drops: refused, rst, eof, timeout, protocol, unsent, 5xx."""
    moments: tuple[Moment, ...] = ("before", "during", "over")
    names: str = ""
    """Only requests whose name begins so."""
    but: str = ""
    """Requests whose name ends so are left out."""
    twin: str | None = None
    """A subject without the practice, which must drop something: else nothing was there to be avoided."""


class Most(Struct, frozen=True, tag="most"):
    """The subject's figure is at most so much, in the figure's unit."""

    subject: str
    most: float


class Least(Struct, frozen=True, tag="least"):
    """The subject's figure is at least so much, in the figure's unit."""

    subject: str
    least: float


class Beats(Struct, frozen=True, tag="beats"):
    """The subject's figure is larger than each reference's by more than ``margin``, in the figure's unit."""

    subject: str
    references: tuple[str, ...]
    margin: float


class Alike(Struct, frozen=True, tag="alike"):
    """The subject's figure is the reference's, within ±``margin`` in the figure's unit, or at most so much more."""

    subject: str
    reference: str
    margin: float
    at_most: bool = False


CourseRule = Never | Most | Least | Beats | Alike


class Timeline(Struct, frozen=True, tag="timeline"):
    """One question that a course answers."""

    name: str
    course: Course
    rule: CourseRule
    figure: Figure | None = None
    """None for rules that count."""
    group: str = ""
