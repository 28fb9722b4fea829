"""From the blocks of a sweep to a verdict: the shape of its curves, in words with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import structs

from harness import rules
from harness.claims.claim import FIGURES, Beside, Bounded, Crosses, Figure, Flat, Grid, Grows, Peaks, Sweep
from harness.decided import Decided, estimated
from harness.model import Estimate, Interval, Verdict
from harness.phrases import percent, rounded
from harness.stats import shapes
from harness.stats.intervals import ratio_interval, t_interval
from harness.stats.shapes import Curve
from harness.swept import SweepBlock

SHOWN, DECIDED = 0.95, 0.99
"""What is printed, and what verdicts use."""

BLOCKS_MIN = 4
"""Below four blocks a t interval at 99 % is wider than any verdict can use."""


def spoken(grid: Grid, figure: Figure) -> str:
    """A figure of the grid as it is said aloud."""
    return grid.tally_name if figure == "tally" and grid.tally_name else FIGURES[figure]


def curves(grid: Grid, blocks: Sequence[SweepBlock], subject: str, figure: Figure) -> list[Curve]:
    """The subject's figure at each place, block by block; a block without one of them is left out."""
    places = {cell.at for cell in grid.cells if cell.subject == subject}
    times = grid.tally_s if figure == "tally" else 1.0
    found: list[Curve] = []
    for block in blocks:
        mine = {one.at: getattr(one, figure) for one in block.seen if one.subject == subject}
        if not block.voids and set(mine) == places and all(value for value in mine.values()):
            found.append({at: times * float(mine[at]) for at in sorted(mine)})
    return found


def paired(grid: Grid, blocks: Sequence[SweepBlock], subjects: Sequence[str], figure: Figure) -> list[list[Curve]]:
    """The curves of several subjects, from the blocks that have them all."""
    whole = [block for block in blocks if all(curves(grid, [block], one, figure) for one in subjects)]
    return [curves(grid, whole, one, figure) for one in subjects]


def decide(sweep: Sweep, blocks: Sequence[SweepBlock], origin: rules.Origin) -> Decided:
    """The verdict of one sweep."""
    if not blocks:
        return Decided(rules.untested("it was not observed"))
    rule = sweep.rule
    match rule:
        case Grows():
            found = _grows(sweep, rule, blocks, origin)
        case Flat():
            found = _flat(sweep, rule, blocks, origin)
        case Beside():
            found = _beside(sweep, rule, blocks, origin)
        case Crosses():
            found = _crosses(sweep, rule, blocks)
        case Bounded():
            found = _bounded(sweep, rule, blocks, origin)
        case Peaks():
            found = _peaks(sweep, rule, blocks)
    return found


def _grows(sweep: Sweep, rule: Grows, blocks: Sequence[SweepBlock], origin: rules.Origin) -> Decided:
    found = curves(sweep.grid, blocks, rule.subject, sweep.figure)
    estimate = _growth(sweep, rule.subject, found)
    if estimate is None:
        return _too_few(len(found))
    said = _grown(sweep, rule.subject, found, estimate)
    bound = f"{rule.times:g} times (a threshold that is {origin})"
    low, high = estimate.verdict_low or 0.0, estimate.verdict_high or math.inf
    if low >= rule.times:
        return Decided(Verdict("supported", f"{said}: it grows, by more than {bound}."), estimate, _growths(found))
    if high < rule.times:
        return Decided(Verdict("refuted", f"{said}: less than {bound}."), estimate, _growths(found))
    sentence = f"{said}, across the border of {bound}."
    return Decided(Verdict("inconclusive", sentence, "the interval crosses a border"), estimate, _growths(found))


def _growths(found: Sequence[Curve]) -> tuple[float, ...]:
    return tuple(math.log(curve[max(curve)] / curve[min(curve)]) for curve in found)


def _flat(sweep: Sweep, rule: Flat, blocks: Sequence[SweepBlock], origin: rules.Origin) -> Decided:
    found = curves(sweep.grid, blocks, rule.subject, sweep.figure)
    estimate = _growth(sweep, rule.subject, found)
    if estimate is None:
        return _too_few(len(found))
    low, high = 1 / (1 + rule.margin), 1 + rule.margin
    subject = f"{rule.subject}: {spoken(sweep.grid, sweep.figure)} at the last place ({_last(found)}) ÷ at the first"
    return Decided(rules.within(estimate, low, high, subject, origin=origin), estimate, _growths(found))


def _growth(sweep: Sweep, subject: str, found: Sequence[Curve]) -> Estimate | None:
    if len(found) < BLOCKS_MIN:
        return None
    shown, decided = shapes.growth(found, SHOWN), shapes.growth(found, DECIDED)
    return _estimate(
        f"{subject}, last ÷ first place: {spoken(sweep.grid, sweep.figure)}", "ratio", shown, decided, len(found), sweep
    )


def _grown(sweep: Sweep, subject: str, found: Sequence[Curve], estimate: Estimate) -> str:
    first = min(found[0])
    return (
        f"{subject}: {spoken(sweep.grid, sweep.figure)} at {_last(found)} is {estimate.value:.3g} times that at "
        f"{first:,.6g} {sweep.grid.axis} (95 % interval {estimate.low:.3g} to {estimate.high:.3g}, {len(found)} blocks)"
    )


def _last(found: Sequence[Curve]) -> str:
    return f"{max(found[0]):,.6g}"


def _beside(sweep: Sweep, rule: Beside, blocks: Sequence[SweepBlock], origin: rules.Origin) -> Decided:
    """Every reference at every deciding place; the verdict carries the worst of them."""
    estimates, ratios = [], []
    for reference in rule.references:
        mine, theirs = paired(sweep.grid, blocks, (rule.subject, reference), sweep.figure)
        if len(mine) < BLOCKS_MIN:
            return _too_few(len(mine))
        for at in sorted(mine[0]):
            if rule.places and at not in rule.places:
                continue
            logs = shapes.ratios(mine, theirs, at)
            where = f"{at:,.6g} {sweep.grid.axis}" + (f", against {reference}" if len(rule.references) > 1 else "")
            shown, decided = ratio_interval(logs, SHOWN), ratio_interval(logs, DECIDED)
            one = _estimate(spoken(sweep.grid, sweep.figure), "ratio", shown, decided, len(logs), sweep)
            estimates.append(structs.replace(one, condition=where))
            ratios.append(logs)
    others = rule.references[0] if len(rule.references) == 1 else f"each of {', '.join(rule.references)}"
    judge = rules.at_most if rule.at_most else rules.equivalent
    verdict = judge(estimates, rule.margin, others, rule.subject, spoken(sweep.grid, sweep.figure), origin=origin)
    worst = max(range(len(estimates)), key=lambda place: estimates[place].value or 0.0)
    return Decided(verdict, estimates[worst], tuple(ratios[worst]))


def _crosses(sweep: Sweep, rule: Crosses, blocks: Sequence[SweepBlock]) -> Decided:
    upper, lower = paired(sweep.grid, blocks, (rule.upper, rule.lower), sweep.figure)
    if len(upper) < BLOCKS_MIN:
        return _too_few(len(upper))
    shown = shapes.crossing(upper, lower, rule.times, SHOWN)
    decided = shapes.crossing(upper, lower, rule.times, DECIDED)
    axis, what, n = sweep.grid.axis, spoken(sweep.grid, sweep.figure), shown.n
    times = "that" if rule.times == 1 else f"{rule.times:g} times that"
    last = max(upper[0])
    logs = shapes.ratios(upper, lower, last)
    end, firm = ratio_interval(logs, SHOWN), ratio_interval(logs, DECIDED)
    if end is None or firm is None:
        return _too_few(n)
    span = f"95 % interval {end.low:.3g} to {end.high:.3g}, {n} blocks"
    at_end = f"at {last:,.6g} {axis} it is {end.value:.3g} times that ({span})"
    if firm.high < rule.times:
        sentence = f"{rule.upper} stays below {times} of {rule.lower} in {what}; {at_end}."
        return Decided(Verdict(verdict="refuted", sentence=sentence), logs=tuple(logs))
    if firm.low <= rule.times:
        sentence = f"Whether {rule.upper} ever takes more than {times} of {rule.lower} in {what} is open; {at_end}."
        return Decided(Verdict("inconclusive", sentence, "the interval crosses the border"), logs=tuple(logs))
    if shown.at is not None:
        metric = f"{rule.upper} = {rule.times:g} × {rule.lower}"
        estimate = _estimate(metric, axis, shown.at, decided.at, n, sweep)
        sentence = (
            f"{rule.upper} reaches {times} of {rule.lower} in {what} between {shown.at.low:,.6g} and "
            f"{shown.at.high:,.6g} {axis} (places that were measured, 95 %, {n} blocks), at some "
            f"{rounded(shown.at.value)} if the curve is straight there."
        )
        return Decided(Verdict(verdict="supported", sentence=sentence), estimate)
    first = f"at the first place, {min(upper[0]):,.6g} {axis}, already in {shown.below} of {n} blocks"
    sentence = f"{rule.upper} takes more than {times} of {rule.lower} in {what}, {first}; {at_end}."
    return Decided(Verdict(verdict="supported", sentence=sentence))


def _bounded(sweep: Sweep, rule: Bounded, blocks: Sequence[SweepBlock], origin: rules.Origin) -> Decided:
    """The highest place decides."""
    found = curves(sweep.grid, blocks, rule.subject, sweep.figure)
    if len(found) < BLOCKS_MIN:
        return _too_few(len(found))
    highest = max(found[0], key=lambda at: sum(curve[at] for curve in found))
    values = [curve[highest] for curve in found]
    shown, decided = t_interval(values, SHOWN), t_interval(values, DECIDED)
    what = spoken(sweep.grid, sweep.figure)
    estimate = _estimate(f"{rule.subject}: {what}", "", shown, decided, len(found), sweep)
    if shown is None or decided is None:
        return _too_few(len(found))
    said = (
        f"{rule.subject}: {what} is {shown.value:.3g} (95 % interval {shown.low:.3g} to {shown.high:.3g}, "
        f"{len(found)} blocks)"
    )
    bound = f"{rule.most:.3g}, {rule.what} (a bound that is {origin})"
    if decided.high <= rule.most:
        return Decided(Verdict("supported", f"{said}: at most {bound}."), estimate, tuple(values))
    if decided.low > rule.most:
        return Decided(Verdict("refuted", f"{said}: over {bound}."), estimate, tuple(values))
    sentence = f"{said}: not decided against {bound}."
    return Decided(Verdict("inconclusive", sentence, "the interval crosses the bound"), estimate, tuple(values))


def _peaks(sweep: Sweep, rule: Peaks, blocks: Sequence[SweepBlock]) -> Decided:
    found = curves(sweep.grid, blocks, rule.subject, sweep.figure)
    best = shapes.optimum(found, DECIDED) if len(found) >= BLOCKS_MIN else None
    shown = shapes.optimum(found, SHOWN) if best is not None else None
    if best is None or shown is None or best.last is None or best.first is None or shown.last is None:
        return _too_few(len(found))
    axis, what = sweep.grid.axis, spoken(sweep.grid, sweep.figure)
    chosen = ", ".join(f"{at:g} in {count}" for at, count in sorted(best.chosen.items()))
    said = (
        f"{what.capitalize()} is best at {best.best:g} {axis} (best of a block: {chosen}); {max(found[0]):g} give "
        f"{shown.last.value:.3g} times as much (95 % interval {shown.last.low:.3g} to {shown.last.high:.3g}, "
        f"{len(found)} blocks), {min(found[0]):g} {best.first.value:.3g} times"
    )
    estimate = _estimate(f"{what} at the last place ÷ at the best", "ratio", shown.last, best.last, len(found), sweep)
    worse = 1 - rule.margin
    if best.last.high < worse and best.first.high < worse:
        return Decided(Verdict(verdict="supported", sentence=f"{said}: more is not better."), estimate)
    if best.last.low > worse:
        sentence = f"{said}: the end of the grid is as good as its best within {percent(rule.margin)}."
        return Decided(Verdict(verdict="refuted", sentence=sentence), estimate)
    sentence = f"{said}: not decided against a loss of {percent(rule.margin)}."
    return Decided(Verdict("inconclusive", sentence, "the interval is too wide"), estimate)


def _estimate(
    metric: str, unit: str, shown: Interval | None, decided: Interval | None, n: int, sweep: Sweep
) -> Estimate:
    return estimated(metric, unit, shown, decided, n, sweep.name)


def _too_few(n: int) -> Decided:
    sentence = f"{n} valid blocks give no interval that decides; {BLOCKS_MIN} are the least."
    return Decided(Verdict("inconclusive", sentence, "too few valid blocks"))
