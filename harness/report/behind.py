"""The section on what the database and cache behind the arms cost: a figure of its own for each arm."""

from __future__ import annotations

from harness import behind as behind_
from harness.behind import BehindCost
from harness.model import Condition, Interval
from harness.report import sections, words
from harness.report.charts import sweep as chart
from harness.report.page import Figure, Section, Table
from harness.report.read import Material
from harness.store.folder import slugify

WHAT = "CPU per request behind the arm, µs"


def behind(material: Material) -> tuple[Section, ...]:
    """The section; none where nothing stands behind any arm of the run."""
    blocks = [kept.block for kept in material.blocks]
    found = [(one, cost) for one in material.run.plan.conditions if (cost := behind_.cost(blocks, one)) is not None]
    if not found:
        return ()
    table = Table(
        caption="CPU time of the database and cache per request, their background work included, as metered: geometric "
        "means over the valid blocks with 95 % intervals",
        header=("condition", "baseline, µs", "candidate, µs", "candidate ÷ baseline", "grain", "n (blocks)", "why not"),
        rows=tuple(_row(condition, cost) for condition, cost in found),
    )
    figures = tuple(
        _figure(condition, cost.baseline, cost.candidate, cost.n)
        for condition, cost in found
        if cost.baseline is not None and cost.candidate is not None
    )
    lead = "It comes on top of the arms' own CPU, which every other figure of this page means."
    return (Section(id="behind", title="CPU behind the arms", lead=lead, figures=figures, tables=(table,)),)


def _row(condition: Condition, cost: BehindCost) -> tuple[str, ...]:
    return (
        condition.name,
        _interval(cost.baseline),
        _interval(cost.candidate),
        _interval(cost.ratio),
        cost.grain or words.MISSING,
        str(cost.n) if cost.n else words.MISSING,
        cost.why_not or "",
    )


def _interval(found: Interval | None) -> str:
    if found is None:
        return words.MISSING
    return f"{found.value:.4g} ({found.low:.4g} to {found.high:.4g})"


def _figure(condition: Condition, baseline: Interval, candidate: Interval, n: int) -> Figure:
    names = sections.labels(condition)
    rows = [
        (names[role], chart.Place(0.0, found.value, found.low, found.high))
        for role, found in (("baseline", baseline), ("candidate", candidate))
    ]
    said = "; ".join(f"{name}: {place.value:.4g} ({place.low:.4g} to {place.high:.4g})" for name, place in rows)
    return Figure(
        name=f"behind-{slugify(condition.name)}",
        svg=chart.bars(rows, what=WHAT, bound=None),
        alt=f"{condition.name}: {WHAT}. {said}.",
        caption=f"{condition.name}: what a request of each arm cost the services behind it, with 95 % intervals over "
        f"{words.plural(n, 'block')}.",
    )
