"""From the passages of a course to a verdict: counts, shares and times, with their uncertainty."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from harness import rules
from harness.course import (
    FIGURES,
    Alike,
    Beats,
    Course,
    Figure,
    Least,
    Most,
    Never,
    Timeline,
)
from harness.decided import Decided, estimated
from harness.model import Interval, Verdict, VerdictWord
from harness.passage import Group, Passage, figure
from harness.stats.intervals import t_interval
from harness.stats.shares import share_interval

SHOWN, DECIDED = 0.95, 0.99

PASSAGES_MIN = 4
"""As of the blocks of a sweep: with fewer, a t interval at 99 % is wider than any verdict can use."""


def decide(timeline: Timeline, passages: Sequence[Passage], origin: rules.Origin) -> Decided:
    """The verdict of one question that a course answers."""
    valid = [one for one in passages if not one.voids]
    if not valid:
        return Decided(rules.untested(_why(passages)))
    rule = timeline.rule
    match rule:
        case Never():
            return _never(rule, valid)
        case Most() | Least():
            return _bounded(timeline, rule, valid, origin)
        case Beats():
            return _beats(timeline, rule, valid, origin)
        case Alike():
            return _alike(timeline, rule, valid, origin)


def _why(passages: Sequence[Passage]) -> str:
    if not passages:
        return "it was not observed"
    return f"all {len(passages)} passages are void ({passages[0].voids[0].sentence})"


def of(passages: Sequence[Passage], subject: str) -> list[Passage]:
    """The valid passages of one subject."""
    return [one for one in passages if one.subject == subject and not one.voids]


def dropped(passage: Passage, rule: Never) -> tuple[int, Counter[str]]:
    """How many requests of a passage match, and the drops among them by class."""
    mine = [one for one in passage.groups if _matches(one, rule)]
    counted: Counter[str] = Counter()
    for one in mine:
        counted.update({name: count for name, count in one.drops.items() if name in rule.classes})
    return sum(one.sent for one in mine), counted


def _matches(group: Group, rule: Never) -> bool:
    left_out = bool(rule.but) and group.name.endswith(rule.but)
    return group.name.startswith(rule.names) and group.moment in rule.moments and not left_out


def _never(rule: Never, valid: Sequence[Passage]) -> Decided:
    """One drop refutes; none in n passages leaves, at 95 %, at most 3 ÷ n of them with one."""
    mine = of(valid, rule.subject)
    if not mine:
        return Decided(rules.untested(f"no valid passage of {rule.subject}"))
    seen = [dropped(one, rule) for one in mine]
    asked = sum(number for number, _ in seen)
    if not asked:
        return Decided(rules.untested("no such request was sent"))
    total = sum((counted for _, counted in seen), Counter[str]())
    hit = sum(bool(counted) for _, counted in seen)
    share = hit, len(mine)
    if not total:
        text = f"{rule.subject}: none of {asked:,} requests was dropped in {len(mine)} trials"
        idle = rule.twin is not None and not any(dropped(one, rule)[1] for one in of(valid, rule.twin))
        if idle:
            reason = f"{rule.twin} dropped none either: nothing shows that there was anything to avoid"
            return Decided(Verdict("inconclusive", f"{text}.", reason), share=share)
        if len(mine) <= rules.ZERO_BOUND:
            return Decided(Verdict("inconclusive", f"{text}.", f"only {len(mine)} trials"), share=share)
        most = rules.ZERO_BOUND / len(mine)
        sentence = f"{text}, so in at most {most:.0%} of such trials is one, at 95 %."
        return Decided(Verdict("supported", sentence), share=share)
    kinds = ", ".join(f"{count} {name}" for name, count in total.most_common())
    sentence = (
        f"{rule.subject}: {total.total():,} of {asked:,} requests were dropped ({kinds}), in {hit} of "
        f"{len(mine)} trials."
    )
    return Decided(Verdict("refuted", sentence), share=share)


def interval(passages: Sequence[Passage], name: Figure, confidence: float) -> Interval | None:
    """A figure's mean over passages; a share's interval is never narrower than its requests allow.

    Passages that all came out alike have no spread, and would claim to know a share exactly.
    """
    values = [value for one in passages if (value := figure(one, name)) is not None]
    if len(values) < PASSAGES_MIN:
        return None
    found = t_interval(values, confidence)
    if found is None or not name.startswith("goodput_"):
        return found
    mine = [phase for one in passages for phase in one.phases if phase.name == name.removeprefix("goodput_")]
    exact = share_interval(sum(one.good for one in mine), sum(one.due for one in mine), confidence)
    low, high = min(found.low, exact.low), max(found.high, exact.high)
    return Interval(found.value, max(0.0, low), min(1.0, high), confidence)


def said(value: float, name: Figure) -> str:
    """A figure with its unit, as it is said aloud."""
    if name.startswith("goodput_") or name in {"hysteresis", "lost"}:
        return f"{value:.1%}"
    unit = name.rpartition("_")[2]
    return f"{value:.3g} {unit}" if unit in {"s", "ms"} else f"{value:.3g}"


def spoken(found: Interval, name: Figure) -> str:
    """A figure with its interval."""
    return f"{said(found.value, name)} ({said(found.low, name)} to {said(found.high, name)})"


def _unit(name: Figure) -> str:
    if name.startswith("goodput_") or name == "lost":
        return "share"
    unit = name.rpartition("_")[2]
    return unit if unit in {"s", "ms"} else "per request" if name != "hysteresis" else ""


def _bounded(timeline: Timeline, rule: Most | Least, valid: Sequence[Passage], origin: rules.Origin) -> Decided:
    name = timeline.figure
    mine = of(valid, rule.subject)
    shown = interval(mine, name, SHOWN) if name is not None else None
    firm = interval(mine, name, DECIDED) if name is not None else None
    if name is None or shown is None or firm is None:
        return _too_few(timeline, mine)
    at_most = isinstance(rule, Most)
    limit = rule.most if isinstance(rule, Most) else rule.least
    bound = f"{'at most' if at_most else 'at least'} {said(limit, name)} (a bound that is {origin})"
    text = f"{rule.subject}: {FIGURES[name]} is {spoken(shown, name)} over {len(mine)} trials"
    estimate = estimated(f"{rule.subject}: {FIGURES[name]}", _unit(name), shown, firm, len(mine), timeline.name)
    inside = firm.high <= limit if at_most else firm.low >= limit
    outside = firm.low > limit if at_most else firm.high < limit
    if inside or outside:
        word: VerdictWord = "supported" if inside else "refuted"
        return Decided(Verdict(word, f"{text}: {'' if inside else 'not '}{bound}."), estimate)
    sentence = f"{text}, across the border of {bound}."
    return Decided(Verdict("inconclusive", sentence, "the interval crosses a border"), estimate)


def _pairs(valid: Sequence[Passage], first: str, second: str, name: Figure) -> list[float]:
    """Differences, first − second, of the rounds that have both."""
    rounds: dict[int, dict[str, float]] = {}
    for one in valid:
        value = figure(one, name)
        if one.subject in {first, second} and value is not None:
            rounds.setdefault(one.number, {})[one.subject] = value
    return [found[first] - found[second] for found in rounds.values() if len(found) == 2]  # noqa: PLR2004  (both)


def _difference(differences: Sequence[float], confidence: float, comparisons: int = 1) -> Interval | None:
    """Mean difference with its interval; several comparisons share the error (Bonferroni)."""
    if len(differences) < PASSAGES_MIN:
        return None
    return t_interval(differences, 1 - (1 - confidence) / comparisons)


def _beats(timeline: Timeline, rule: Beats, valid: Sequence[Passage], origin: rules.Origin) -> Decided:
    """Larger than every reference, by more than the margin; refuted where it is smaller than one of them by that."""
    name = timeline.figure
    if name is None:
        return Decided(rules.untested("the rule has no figure"))
    count = len(rule.references)
    found = {
        reference: _difference(_pairs(valid, rule.subject, reference, name), DECIDED, count)
        for reference in rule.references
    }
    mine = of(valid, rule.subject)
    own = interval(mine, name, SHOWN)
    if own is None or any(one is None for one in found.values()):
        return _too_few(timeline, mine)
    others = ", ".join(
        f"{reference} {spoken(shown, name)}"
        for reference in rule.references
        if (shown := interval(of(valid, reference), name, SHOWN)) is not None
    )
    text = f"{FIGURES[name]}: {rule.subject} {spoken(own, name)}; {others}; {len(mine)} rounds"
    margin = f"{said(rule.margin, name)} (a margin that is {origin})"
    estimate = estimated(
        f"{rule.subject}: {FIGURES[name]}", _unit(name), own, interval(mine, name, DECIDED), len(mine), timeline.name
    )
    decided = {name_: one for name_, one in found.items() if one is not None}
    beaten = [name_ for name_, one in decided.items() if one.low > rule.margin]
    ahead = [name_ for name_, one in decided.items() if one.high < rule.margin]
    if len(beaten) == len(decided):
        return Decided(Verdict("supported", f"{text}: better than each by more than {margin}."), estimate)
    if ahead:
        sentence = f"{text}: not better than {' and '.join(ahead)} by {margin}."
        return Decided(Verdict("refuted", sentence), estimate)
    open_ = [name_ for name_ in decided if name_ not in beaten]
    sentence = f"{text}: whether it is better than {' and '.join(open_)} by {margin} is open."
    return Decided(Verdict("inconclusive", sentence, "an interval crosses the margin"), estimate)


def proxy_cost(course: Course, passages: Sequence[Passage]) -> str | None:
    """What Toxiproxy without toxics adds to a request, in words; None where no subject went without it."""
    valid = [one for one in passages if not one.voids]
    for control in course.subjects:
        twins = [one.name for one in course.subjects if not one.direct and one.target == control.target]
        if not control.direct or not twins:
            continue
        found = _difference(_pairs(valid, twins[0], control.name, "p50_before_ms"), SHOWN)
        if found is not None:
            return f"Toxiproxy without toxics adds {spoken(found, 'p50_before_ms')} to the median"
    return None


def _alike(timeline: Timeline, rule: Alike, valid: Sequence[Passage], origin: rules.Origin) -> Decided:
    name = timeline.figure
    differences = _pairs(valid, rule.subject, rule.reference, name) if name is not None else []
    shown, firm = _difference(differences, SHOWN), _difference(differences, DECIDED)
    if name is None or shown is None or firm is None:
        return _too_few(timeline, of(valid, rule.subject))
    what = f"{FIGURES[name]}, {rule.subject} − {rule.reference}"
    allowed = said(rule.margin, name)
    margin = f"{f'at most {allowed} more' if rule.at_most else f'±{allowed}'} (a margin that is {origin})"
    text = f"{what}: {spoken(shown, name)} over {len(differences)} rounds"
    estimate = estimated(what, _unit(name), shown, firm, len(differences), timeline.name)
    low = -math.inf if rule.at_most else -rule.margin
    if low <= firm.low and firm.high <= rule.margin:
        return Decided(Verdict("supported", f"{text}: inside {margin}."), estimate)
    if firm.low > rule.margin or firm.high < low:
        return Decided(Verdict("refuted", f"{text}: outside {margin}."), estimate)
    sentence = f"{text}, across the border of {margin}."
    return Decided(Verdict("inconclusive", sentence, "the interval crosses a border"), estimate)


def _too_few(timeline: Timeline, mine: Sequence[Passage]) -> Decided:
    name = timeline.figure
    values = [value for one in mine if name is not None and (value := figure(one, name)) is not None]
    mean = math.fsum(values) / len(values) if values else None
    what = FIGURES[name] if name is not None else "it"
    seen = f"{what} is {said(mean, name)}" if mean is not None and name is not None else f"{what} was not seen"
    reason = f"{len(values)} of {len(mine)} valid trials have the figure; {PASSAGES_MIN} are needed"
    return Decided(Verdict("inconclusive", f"In {len(values)} trials {seen}.", reason))
