"""Figures and tables of a claim's courses: what happened over time, who dropped what, and what adds up."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from harness import outcomes
from harness.claims import load_claims
from harness.course import FIGURES, Course, Figure, Timeline
from harness.passage import Passage, figure
from harness.passages import PASSAGE_FILE, kept
from harness.report import drops, words
from harness.report.charts import course as chart
from harness.report.page import Figure as Picture
from harness.report.page import Table
from harness.store.blocks import REQUESTS_FILE
from harness.store.folder import slugify

BIN_S = 0.25
"""Width of a point in time: at 50 requests/s it holds a dozen."""

Series = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
"""Times in seconds from the start of the measured phase, and values."""

SHOWN: tuple[Figure, ...] = (
    "goodput_before",
    "goodput_during",
    "goodput_after",
    "hysteresis",
    "amplification_sent",
    "amplification_arrived",
    "wasted",
    "detected_s",
    "recovered_s",
    "lost",
    "exit_s",
    "p50_before_ms",
    "p50_during_ms",
)


def pictures(number: int, folder: Path) -> tuple[Picture, ...]:
    """One picture for each course of the claim."""
    found = [_picture(course, folder / "timelines" / course.id) for course in _courses(number)]
    return tuple(one for one in found if one is not None)


def tables(number: int, folder: Path) -> tuple[Table, ...]:
    """The matrix of drops of all courses, then figures, drops and reconciliation of each course of the claim."""
    passed = [(course, kept(folder / "timelines" / course.id)) for course in _courses(number)]
    found = drops.joint(passed)
    for course, passages in passed:
        if passages:
            found += [_figures(course, passages), *drops.tables(course, passages), _account(course, passages)]
    return tuple(found)


def _courses(number: int) -> list[Course]:
    claims = [claim for claim in load_claims() if claim.number == number]
    found = {one.course.id: one.course for claim in claims for one in claim.conditions if isinstance(one, Timeline)}
    return list(found.values())


def _figures(course: Course, passages: Sequence[Passage]) -> Table:
    """Every figure that was had, a row for each subject."""
    valid = [one for one in passages if not one.voids]
    subjects = drops.subjects(course, valid)
    names = [name for name in SHOWN if any(figure(one, name) is not None for one in valid)]
    rows = tuple(
        (subject, *(_mean(outcomes.of(valid, subject), name) for name in names), str(len(outcomes.of(valid, subject))))
        for subject in subjects
    )
    void = len(passages) - len(valid)
    cost = outcomes.proxy_cost(course, passages)
    caption = (
        f"{course.id}: {course.what}; means over trials in fresh processes with 95 % intervals; {void} void"
        f"{f'; {cost}' if cost else ''}"
    )
    return Table(caption=caption, header=("subject", *(FIGURES[name] for name in names), "n (trials)"), rows=rows)


def _mean(mine: Sequence[Passage], name: Figure) -> str:
    values = [value for one in mine if (value := figure(one, name)) is not None]
    if not values:
        return words.MISSING
    found = outcomes.interval(mine, name, outcomes.SHOWN)
    text = outcomes.spoken(found, name) if found is not None else outcomes.said(statistics.fmean(values), name)
    return text if len(values) == len(mine) else f"{text}, in {len(values)} of {len(mine)}"


def _account(course: Course, passages: Sequence[Passage]) -> Table:
    """Client against server, request by request; void trials are listed, too."""
    rows = []
    for subject in dict.fromkeys(one.subject for one in passages):
        explained, unexplained = Counter[str](), Counter[str]()
        mine = [one for one in passages if one.subject == subject]
        for one in mine:
            explained.update(one.explained)
            unexplained.update(one.unexplained)
        void = sum(bool(one.unexplained) for one in mine)
        rows.append((
            subject, f"{(explained + unexplained).total():,}", _listed(explained), _listed(unexplained) or "0",
            f"{len(mine)}{f', {void} of them void for it' if void else ''}",
        ))  # fmt: skip
    header = ("subject", "attempts", "explained", "unexplained", "trials")
    caption = f"{course.id}: what the clients recorded against what the service itself recorded"
    return Table(caption=caption, header=header, rows=tuple(rows))


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.most_common())


def _picture(course: Course, place: Path) -> Picture | None:
    folders = [one.parent for one in sorted(place.glob(f"[0-9]*/{PASSAGE_FILE}"))]
    pairs = [(folder, one) for folder, one in zip(folders, kept(place), strict=True) if not one.voids]
    subjects = drops.subjects(course, (one for _, one in pairs))
    if not pairs:
        return None
    panels = [
        _panel("goodput", pairs, subjects, lambda folder: _goodput(folder, course), most=1.05),
        _panel("latency, ms", pairs, subjects, _latency, logarithmic=True),
    ]
    if course.upstream is not None:
        panels.append(_panel("attempts\na request", pairs, subjects, lambda folder: _arrived(folder, course)))
    panels.append(_panel("CPU, share\nof a core", pairs, subjects, _cpu))
    drawn = [panel for panel in panels if panel.lines]
    marks = [mark for subject in subjects for mark in _marks(subject, [one for _, one in pairs])]
    phases = [phase for phase in pairs[0][1].phases if phase.name == "during"]
    shades = [chart.Shade(phase.start_s, phase.end_s) for phase in phases] or [
        chart.Shade(fault.start_s, fault.start_s) for fault in course.faults
    ]
    svg = chart.course(drawn, shades=shades, marks=marks, subjects=subjects)
    n = min(sum(one.subject == subject for _, one in pairs) for subject in subjects)
    caption = (
        f"{course.what[0].upper()}{course.what[1:]}. Lines: means over {n} or more trials in fresh processes; bands: "
        f"the smallest and largest of them. Triangles: a failure first seen (▼) and working again (▲), medians. "
        f"Latency counts from the due time; attempts are those that arrived; CPU is the service's. "
        f"{course.load.rate_rps:g} requests/s, deadline {course.deadline_ms:g} ms."
    )
    told = "; ".join(f"{subject}: goodput after {_mean([o for _, o in pairs if o.subject == subject], 'goodput_after')}"
                     for subject in subjects)  # fmt: skip
    return Picture(name=slugify(f"course-{course.id}")[:80], svg=svg, alt=f"{course.what}. {told}.", caption=caption)


def _marks(subject: str, passages: Sequence[Passage]) -> list[chart.Mark]:
    """Medians of the moments, where most trials have them."""
    mine = [one for one in passages if one.subject == subject]
    found = []
    for recovered in (False, True):
        times = [at for one in mine if (at := _moment(one, recovered=recovered)) is not None]
        if len(times) * 2 > len(mine):
            found.append(chart.Mark(subject, statistics.median(times), recovered))
    return found


def _moment(one: Passage, *, recovered: bool) -> float | None:
    before = next((phase for phase in one.phases if phase.name == "before"), None)
    last = next((phase for phase in one.phases if phase.name == "after"), None)
    if recovered:
        return None if one.recovered_s is None or last is None else last.start_s + one.recovered_s
    return None if one.detected_s is None or before is None else before.end_s + one.detected_s


def _panel(
    what: str,
    pairs: Sequence[tuple[Path, Passage]],
    subjects: Sequence[str],
    of: Callable[[Path], Series],
    *,
    logarithmic: bool = False,
    most: float | None = None,
) -> chart.Panel:
    lines = []
    for subject in subjects:
        series = [of(folder) for folder, one in pairs if one.subject == subject]
        line = _line(subject, [one for one in series if len(one[0])])
        if line is not None:
            lines.append(line)
    return chart.Panel(what, tuple(lines), logarithmic, most)


def _line(subject: str, series: Sequence[Series]) -> chart.Line | None:
    """Mean and range over the trials at the times that any of them has."""
    by_time: dict[float, list[float]] = {}
    for at, values in series:
        for time_s, value in zip(at.tolist(), values.tolist(), strict=True):
            by_time.setdefault(time_s, []).append(value)
    times = sorted(by_time)
    if len(times) < 2:  # noqa: PLR2004  (a line has two ends)
        return None
    return chart.Line(
        subject,
        tuple(times),
        tuple(statistics.fmean(by_time[at]) for at in times),
        tuple(min(by_time[at]) for at in times),
        tuple(max(by_time[at]) for at in times),
    )


def _binned(at_s: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> Series:
    """Means of the values in bins of time; a bin's time is its middle."""
    if not len(at_s):
        return at_s, values
    places = np.floor(at_s / BIN_S).astype(int)
    there = np.unique(places)
    return (there + 0.5) * BIN_S, np.array([values[places == place].mean() for place in there])


def _requests(folder: Path) -> tuple[np.ndarray[Any, Any], Any, int]:
    table = pq.read_table(folder / REQUESTS_FILE, columns=["phase", "due_ns", "end_ns", "status", "error"]).to_pandas()
    mine = table[table["phase"] == "measure"]
    zero_ns = next(one["t_ns"] for one in _json(folder / "events.json")["events"] if one["what"] == "load")
    return (mine["due_ns"].to_numpy(dtype=float) - zero_ns) / 1e9, mine, zero_ns


def _goodput(folder: Path, course: Course) -> Series:
    at_s, rows, _ = _requests(folder)
    took_ms = (rows["end_ns"] - rows["due_ns"]).to_numpy(dtype=float, na_value=np.inf) / 1e6
    right = rows["error"].isna().to_numpy() & rows["status"].isin(course.expect).to_numpy()
    return _binned(at_s, (right & (took_ms <= course.deadline_ms)).astype(float))


def _latency(folder: Path) -> Series:
    at_s, rows, _ = _requests(folder)
    took_ms = (rows["end_ns"] - rows["due_ns"]).to_numpy(dtype=float, na_value=np.nan) / 1e6
    known = np.isfinite(took_ms) & (took_ms > 0)
    return _binned(at_s[known], took_ms[known])


def _cpu(folder: Path) -> Series:
    looked = _json(folder / "lookout.json")["cpu"]
    if len(looked) < 2:  # noqa: PLR2004  (two readings make a difference)
        return np.empty(0), np.empty(0)
    zero_ns = next(one["t_ns"] for one in _json(folder / "events.json")["events"] if one["what"] == "load")
    times, used = (np.array(column, dtype=float) for column in zip(*looked, strict=True))
    at_s = (times[1:] - zero_ns) / 1e9
    return _binned(at_s[at_s >= 0], (np.diff(used) / np.diff(times))[at_s >= 0])


def _arrived(folder: Path, course: Course) -> Series:
    looked = _json(folder / "lookout.json").get("arrived", [])
    if len(looked) < 2:  # noqa: PLR2004  (two readings make a difference)
        return np.empty(0), np.empty(0)
    zero_ns = next(one["t_ns"] for one in _json(folder / "events.json")["events"] if one["what"] == "load")
    times, counts = (np.array(column, dtype=float) for column in zip(*looked, strict=True))
    per_s = np.diff(counts) / np.diff(times) * 1e9
    at_s = (times[1:] - zero_ns) / 1e9
    return _binned(at_s[at_s >= 0], (per_s / (course.load.rate_rps or 1))[at_s >= 0])


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found
