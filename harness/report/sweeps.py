"""Figures and tables of a claim's sweeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from harness.claims import load_claims
from harness.claims.claim import Bounded, Figure, Grid, Sweep
from harness.curves import curves, spoken
from harness.report import words
from harness.report.charts import sweep as chart
from harness.report.page import Figure as Picture
from harness.report.page import Table
from harness.stats.intervals import ratio_interval
from harness.store.folder import slugify
from harness.swept import SweepBlock, kept

UNITS: dict[Figure, str] = {
    "p50_ms": "ms",
    "p95_ms": "ms",
    "cpu_us": "µs",
    "backend_us": "µs",
    "rate_rps": "requests/s",
    "tally": "1/s",
}
COLUMNS = {
    "p50_ms": "median, ms",
    "p95_ms": "p95, ms",
    "rate_rps": "requests/s",
    "cpu_us": "CPU a request, µs",
    "backend_us": "CPU behind, µs",
    "hit_ratio": "hit ratio",
}
ALWAYS = frozenset({"p50_ms", "p95_ms", "rate_rps"})
"""Columns that stand in a table also where they are empty."""

LOGARITHMIC = frozenset({"p50_ms", "p95_ms"})


def pictures(number: int, folder: Path, estimates: Sequence[dict[str, Any]]) -> tuple[Picture, ...]:
    """One picture for each axis, figure and network of the claim's sweeps; none where nothing was measured."""
    groups: dict[tuple[str, Figure, int | None], list[Sweep]] = {}
    for one in _sweeps(number):
        groups.setdefault((one.grid.axis, one.figure, one.grid.rtt_ms), []).append(one)
    found = [_picture(axis, figure, sweeps, folder, estimates) for (axis, figure, _), sweeps in groups.items()]
    return tuple(one for one in found if one is not None)


def tables(number: int, folder: Path) -> tuple[Table, ...]:
    """Every cell of the claim's grids with its figures."""
    grids = {one.grid.id: one.grid for one in _sweeps(number)}
    return tuple(_table(grid, blocks) for grid in grids.values() if (blocks := _blocks(folder, grid)))


def _sweeps(number: int) -> list[Sweep]:
    claims = [claim for claim in load_claims() if claim.number == number]
    return [one for claim in claims for one in claim.conditions if isinstance(one, Sweep)]


def _blocks(folder: Path, grid: Grid) -> list[SweepBlock]:
    return kept(folder / "sweeps" / grid.id)


def _picture(
    axis: str, figure: Figure, sweeps: Sequence[Sweep], folder: Path, estimates: Sequence[dict[str, Any]]
) -> Picture | None:
    grids = {one.grid.id: one.grid for one in sweeps}
    series = [
        one for grid in grids.values() for one in _series(grid, _blocks(folder, grid), figure, variants=len(grids) > 1)
    ]
    if not series:
        return None
    unit = "" if figure == "tally" and sweeps[0].grid.tally_name else f", {UNITS[figure]}"
    what = f"{spoken(sweeps[0].grid, figure)}{unit}"
    n = min(_valid(_blocks(folder, grid)) for grid in grids.values() if _blocks(folder, grid))
    notes = "; ".join(
        dict.fromkeys(f"{grid.note}{_round_trip(_blocks(folder, grid))}" for grid in grids.values() if grid.note)
    )
    caption = f"{what[0].upper()}{what[1:]}: geometric means of {n} or more blocks with 95 % intervals ({notes})."
    name = slugify(f"sweep-{'-'.join(grids)}-{figure}")[:80]
    if all(len(one.places) == 1 for one in series):
        bound = next((one.rule for one in sweeps if isinstance(one.rule, Bounded)), None)
        rows = [(one.subject, one.places[0]) for one in series]
        svg = chart.bars(rows, what=what, bound=(bound.what, bound.most) if bound else None)
    else:
        panels = [chart.Panel(what, tuple(series), figure in LOGARITHMIC)]
        counted = [one for grid in grids.values() for one in _statements(grid, _blocks(folder, grid))]
        if counted:
            panels.append(chart.Panel("statements a request", tuple(counted), logarithmic=True))
        names = {one.name for one in sweeps}
        mine = [one for one in estimates if one.get("unit") == axis and one.get("condition") in names]
        shares = [one for grid in grids.values() for one in _hit_ratios(grid, _blocks(folder, grid))]
        if shares:
            panels.append(chart.Panel("hit ratio", tuple(shares), logarithmic=False))
        svg = chart.sweep(panels, axis=axis, marks=_marks(mine))
    alt = "; ".join(
        f"{one.subject} {one.variant}: " + ", ".join(f"{place.value:.3g} at {place.at:g}" for place in one.places)
        for one in series
    )
    return Picture(name=name, svg=svg, alt=f"{what} over {axis}. {alt}.", caption=caption)


def _valid(blocks: Sequence[SweepBlock]) -> int:
    return sum(not one.voids for one in blocks)


def _series(grid: Grid, blocks: Sequence[SweepBlock], figure: Figure, *, variants: bool) -> list[chart.Series]:
    found = []
    for subject in dict.fromkeys(cell.subject for cell in grid.cells):
        mine = curves(grid, blocks, subject, figure)
        places = tuple(place for at in (mine[0] if mine else ()) if (place := _place(at, [one[at] for one in mine])))
        if places:
            found.append(chart.Series(subject, _variant(grid) if variants else "", places))
    return found


def _variant(grid: Grid) -> str:
    rows = {cell.rows for cell in grid.cells if cell.rows is not None}
    return f"{chart.short(rows.pop())} rows" if len(rows) == 1 else ""


def _place(at: float, values: Sequence[float]) -> chart.Place | None:
    found = ratio_interval([math.log(value) for value in values], 0.95)
    return None if found is None else chart.Place(at, found.value, found.low, found.high)


def _hit_ratios(grid: Grid, blocks: Sequence[SweepBlock]) -> list[chart.Series]:
    """Hit ratios of the subjects whose processes count them."""
    found = []
    for subject in dict.fromkeys(cell.subject for cell in grid.cells if cell.hits is not None):
        values: dict[float, list[float]] = {}
        for seen in (seen for one in blocks if not one.voids for seen in one.seen if seen.subject == subject):
            if seen.hit_ratio:
                values.setdefault(seen.at, []).append(seen.hit_ratio)
        places = tuple(place for at in sorted(values) if (place := _place(at, values[at])) is not None)
        if places:
            found.append(chart.Series(subject, "", places))
    return found


def _statements(grid: Grid, blocks: Sequence[SweepBlock]) -> list[chart.Series]:
    """Statements a request takes, which are counted and so have no interval."""
    last = next((one for one in reversed(blocks) if not one.voids), None)
    if last is None or any(seen.statements is None for seen in last.seen):
        return []
    found = []
    for subject in dict.fromkeys(cell.subject for cell in grid.cells):
        mine = sorted((seen.at, seen.statements or 0) for seen in last.seen if seen.subject == subject)
        found.append(chart.Series(subject, "", tuple(chart.Place(at, count, count, count) for at, count in mine)))
    return found


def _round_trip(blocks: Sequence[SweepBlock]) -> str:
    """What a round trip to the database was seen to take, where a network stood before it."""
    seen = [one.round_trip_ms for one in blocks if not one.voids and one.round_trip_ms is not None]
    return f"; a round trip was seen to take {median(seen):.2f} ms" if seen else ""


def _marks(estimates: Sequence[dict[str, Any]]) -> list[chart.Mark]:
    """Where curves cross, each stretch of the axis once: two sizes of a table may cross in the same."""
    places = [one for one in estimates if all(one.get(key) for key in ("value", "low", "high"))]
    return list(dict.fromkeys(chart.Mark(_between(one), one["low"], one["high"]) for one in places))


def _between(place: dict[str, Any]) -> str:
    return f"{place['metric']}: {chart.short(place['low'])}–{chart.short(place['high'])}"


def _table(grid: Grid, blocks: Sequence[SweepBlock]) -> Table:
    valid = [one for one in blocks if not one.voids]
    # CPU belongs to a process: it is known of cells that have one to themselves.
    every = [seen for one in valid for seen in one.seen]
    names = [name for name in COLUMNS if name in ALWAYS or any(getattr(seen, name) for seen in every)]
    rows = []
    for cell in grid.cells:
        mine = [seen for one in valid for seen in one.seen if (seen.subject, seen.at) == (cell.subject, cell.at)]
        statements = next((seen.statements for seen in mine if seen.statements is not None), None)
        rows.append(
            (
                cell.subject,
                f"{cell.at:,.6g}",
                *(_figure([getattr(seen, name) for seen in mine]) for name in names),
                words.MISSING if statements is None else str(statements),
                str(sum(seen.failed for seen in mine)),
                f"{sum(seen.n for seen in mine):,}",
            )
        )
    columns = (COLUMNS[name] for name in names)
    header = ("subject", grid.axis, *columns, "statements", "failed", "n (requests)")
    void = len(blocks) - len(valid)
    note = f"{grid.note}{_round_trip(blocks)}"
    caption = f"{grid.id}: {len(valid)} valid blocks, {void} void ({note}); 95 % intervals over the blocks"
    return Table(caption=caption, header=header, rows=tuple(rows))


def _figure(values: Sequence[float | None]) -> str:
    known = [value for value in values if value]
    place = _place(0.0, known) if len(known) == len(values) else None
    return words.MISSING if place is None else f"{place.value:.3g} ({place.low:.3g} to {place.high:.3g})"
