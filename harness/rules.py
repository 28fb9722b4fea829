"""The rules: from estimates to a verdict, one word and a sentence that an engineer would say aloud.

Every rule asks in the same order: is there an interval at all (else inconclusive), is it inside the margin,
is it beyond the threshold, is it wholly short of it; what remains is inconclusive and says what would decide
it.  Verdicts use the interval at 99 %; the sentence shows the one at 95 % where the figure is the news.
A margin of 1 % means ratios from 1 ÷ 1.01 to 1.01, so that swapping the arms never changes the outcome.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from harness.model import Estimate, Verdict, VerdictWord
from harness.phrases import (
    Span,
    at_condition,
    counted,
    figure,
    percent,
    shown_span,
    signed,
    spoken,
    verdict_span,
    what_decides,
)
from harness.stats.distributions import t_critical

Origin = Literal["ours", "the standard's"]

VERDICT_ALPHA = 0.01
"""Verdicts are given at 99 %."""
ZERO_BOUND = 3.0
"""0 of n leaves, at 95 %, a rate of at most 3 ÷ n (−ln 0.05 = 2.996)."""


def duel(
    estimate: Estimate,
    margin: float,
    baseline_label: str,
    candidate_label: str,
    metric: str,
    *,
    origin: Origin = "ours",
    note: str = "",
) -> Verdict:
    """Which of two arms costs less: cheaper, dearer, no difference or inconclusive, said of the candidate.

    The estimate is candidate ÷ baseline of a figure of which less is better.  `note` (a control that widened
    the interval, grains that differ) is appended to the sentence.
    """
    span = verdict_span(estimate)
    if span is None:
        return _no_interval(estimate, metric)
    name, arms = spoken(metric), f"{candidate_label} and {baseline_label}"
    if span.within_margin(margin):
        sentence = (
            f"{arms} do not differ in {name} beyond ±{percent(margin)} (a margin that is {origin}): "
            f"the ratio is {figure(estimate)}."
        )
        return _verdict("no difference", sentence, note)
    if span.high < 1 or span.low > 1:
        word: VerdictWord = "cheaper" if span.high < 1 else "dearer"
        return _verdict(word, _cost_sentence(estimate, span, baseline_label, candidate_label, metric), note)
    sentence = (
        f"{arms} cannot be told apart in {name} yet: the ratio is {figure(estimate)}, which neither "
        f"excludes 1 nor fits into ±{percent(margin)} (a margin that is {origin}). "
        f"{what_decides(estimate.n, span, _need_duel(span, margin))}"
    )
    return _verdict("inconclusive", sentence, note, "the interval is too wide")


def _cost_sentence(estimate: Estimate, span: Span, baseline_label: str, candidate_label: str, metric: str) -> str:
    """Say it with the shown interval: B needs 8.3 % more CPU per request than A (95 % interval …)."""
    shown = shown_span(estimate, span)
    more = shown.value > 1
    change = f"{percent(abs(shown.value - 1))} {'more' if more else 'less'}"
    if metric != "cpu_us_per_request":
        change = f"a {percent(abs(shown.value - 1))} {'higher' if more else 'lower'}"
    verb = "needs" if metric == "cpu_us_per_request" else "has"
    return (
        f"{candidate_label} {verb} {change} {spoken(metric)} than {baseline_label} "
        f"(95 % interval {signed(shown.low - 1)} to {signed(shown.high - 1)}, {counted(estimate.n)})."
    )


def faster(
    estimate: Estimate,
    baseline_label: str,
    candidate_label: str,
    metric: str,
    *,
    threshold: float,
    margin: float,
    lower_is_better: bool = True,
    threshold_origin: Origin = "ours",
    origin: Origin = "ours",
    note: str = "",
) -> Verdict:
    """Decide the claim that the candidate is better than the baseline by more than `threshold`.

    A threshold of 0.2 means: the better figure is 1.2 times as good (for costs: baseline ÷ candidate > 1.2);
    zero means better at all.  No difference inside ±`margin`, supported beyond the threshold, refuted if
    wholly short of it.
    """
    span = verdict_span(estimate)
    if span is None:
        return _no_interval(estimate, metric)
    gain, shown = span, shown_span(estimate, span)
    if lower_is_better:
        gain, shown = span.inverted(), shown.inverted()
    name = spoken(metric)
    gained = (
        f"{shown.value:.3g} times as good as {baseline_label} in {name} "
        f"(95 % interval {shown.low:.3g} to {shown.high:.3g}, {counted(estimate.n)})"
    )
    limit = f"{percent(threshold)} (a threshold that is {threshold_origin})" if threshold > 0 else ""
    if gain.within_margin(margin):
        sentence = (
            f"{candidate_label} and {baseline_label} do not differ in {name} beyond ±{percent(margin)} "
            f"(a margin that is {origin}): the ratio is {figure(estimate)}."
        )
        return _verdict("no difference", sentence, note)
    if gain.low > 1 + threshold:
        beyond = f", better by more than {limit}" if limit else ", so it is better"
        return _verdict("supported", f"{candidate_label} is {gained}{beyond}.", note)
    if gain.high < 1:
        # Said the other way round: "0.9 times as good" has to be read twice.
        times, verb = (shown.inverted(), "takes") if lower_is_better else (shown, "reaches")
        sentence = (
            f"{candidate_label} {verb} {times.value:.3g} times the {name} of {baseline_label} "
            f"(95 % interval {times.low:.3g} to {times.high:.3g}, {counted(estimate.n)}): worse, not better."
        )
        return _verdict("refuted", sentence, note)
    if gain.high < 1 + threshold:
        return _verdict("refuted", _short_of(gain, candidate_label, gained, limit), note)
    sentence = (
        f"{candidate_label} is {gained}; that does not decide whether it is better"
        f"{' by more than ' + limit if limit else ''}. "
        f"{what_decides(estimate.n, gain, _need_beyond(gain, 1 + threshold, margin))}"
    )
    return _verdict("inconclusive", sentence, note, "the interval is too wide")


def _short_of(gain: Span, candidate_label: str, gained: str, limit: str) -> str:
    if gain.low > 1:
        return (
            f"{candidate_label} is {gained}: better by {percent(gain.low - 1)} to "
            f"{percent(gain.high - 1)}, less than {limit}."
        )
    return f"{candidate_label} is {gained}: better by {percent(gain.high - 1)} at most, less than {limit}."


def equivalent(
    estimates: Sequence[Estimate],
    margin: float,
    baseline_label: str,
    candidate_label: str,
    metric: str,
    *,
    origin: Origin = "ours",
    note: str = "",
) -> Verdict:
    """Decide the claim that two arms are alike in every estimate: supported if all lie inside ±`margin`.

    Refuted if one lies wholly outside at a level shared among all of them (Bonferroni, the first step of
    Holm): with many estimates one strays by accident.  "All inside" needs no such correction.
    """
    known = _known(estimates, metric)
    if isinstance(known, Verdict):
        return known
    pair = f"{candidate_label} and {baseline_label}"
    bound = f"±{percent(margin)} (a margin that is {origin})"
    widest = max(known, key=lambda item: max(abs(math.log(item[1].low)), abs(math.log(item[1].high))))
    for estimate, span in sorted(known, key=lambda item: -abs(math.log(item[1].value))):
        strict = _at_shared_level(estimate, span, len(known))
        if strict.beyond_margin(margin):
            sentence = (
                f"{pair} differ in {spoken(metric)} by more than {bound}{at_condition(estimate)}: "
                f"the ratio is {figure(estimate)}."
            )
            return _verdict("refuted", sentence, note)
    if all(span.within_margin(margin) for _, span in known):
        sentence = (
            f"{pair} are alike in {spoken(metric)} within {bound}; "
            f"the furthest off{at_condition(widest[0])} is a ratio of {figure(widest[0])}."
        )
        return _verdict("supported", sentence, note)
    estimate, span = widest
    sentence = (
        f"{pair} may or may not be alike in {spoken(metric)} within {bound}: "
        f"the ratio{at_condition(estimate)} is {figure(estimate)}. "
        f"{what_decides(estimate.n, span, _need_inside(span, margin))}"
    )
    return _verdict("inconclusive", sentence, note, "the interval is too wide")


def _known(estimates: Sequence[Estimate], metric: str) -> list[tuple[Estimate, Span]] | Verdict:
    """Every estimate with its interval; the verdict where one has none, or where there is no estimate."""
    known = []
    for estimate in estimates:
        span = verdict_span(estimate)
        if span is None:
            return _no_interval(estimate, metric)
        known.append((estimate, span))
    return known or untested("no estimate")


def at_most(
    estimates: Sequence[Estimate],
    margin: float,
    baseline_label: str,
    candidate_label: str,
    metric: str,
    *,
    origin: Origin = "ours",
    note: str = "",
) -> Verdict:
    """Decide the claim that the candidate costs at most `margin` more in every estimate, however much it may save.

    Refuted if one lies wholly beyond at a level shared among all of them, as in `equivalent`.
    """
    known = _known(estimates, metric)
    if isinstance(known, Verdict):
        return known
    bound = f"{percent(margin)} more (a margin that is {origin})"
    worst, span = max(known, key=lambda item: item[1].value)
    where = at_condition(worst) if len(known) > 1 else ""
    said = f"the ratio {candidate_label} ÷ {baseline_label}{where} is {figure(worst)}"
    strict = [_at_shared_level(estimate, each, len(known)) for estimate, each in known]
    if any(each.low > 1 + margin for each in strict):
        sentence = f"{candidate_label} takes over {bound} in {spoken(metric)} than {baseline_label}: {said}."
        return _verdict("refuted", sentence, note)
    if all(each.high < 1 + margin for _, each in known):
        highest = "the highest ratio" if len(known) > 1 else "the ratio"
        sentence = (
            f"{candidate_label} takes at most {bound} in {spoken(metric)} than {baseline_label}: "
            f"{said.replace('the ratio', highest, 1)}."
        )
        return _verdict("supported", sentence, note)
    decides = what_decides(worst.n, span, abs(math.log1p(margin) - math.log(span.value)))
    sentence = f"Whether {candidate_label} takes over {bound} in {spoken(metric)} is open: {said}. {decides}"
    return _verdict("inconclusive", sentence, note, "the interval is too wide")


def within(
    estimate: Estimate, low: float, high: float, subject: str, *, origin: Origin = "ours", note: str = ""
) -> Verdict:
    """Decide the claim that a figure lies between `low` and `high`: both ends of the interval do.

    `subject` begins the sentence: "msgspec ÷ Pydantic in encoding time".  Refuted if the interval lies
    wholly outside.
    """
    span = verdict_span(estimate)
    if span is None:
        return _no_interval(estimate, estimate.metric)
    bounds = f"{low:g} to {high:g} (bounds that are {origin})"
    said = f"{subject} is {figure(estimate, 3)}"
    if low <= span.low and span.high <= high:
        return _verdict("supported", f"{said}, inside {bounds}.", note)
    if span.high < low or span.low > high:
        side = "below" if span.high < low else "above"
        return _verdict("refuted", f"{said}, {side} {bounds}.", note)
    border = low if span.low < low else high
    need = abs(math.log(span.value / border)) if border > 0 and span.value > 0 and span.low > 0 else 0.0
    decides = what_decides(estimate.n, span, need) if need > 0 else "More blocks would narrow it."
    sentence = f"{said}, across the border of {bounds}. {decides}"
    return _verdict("inconclusive", sentence, note, "the interval crosses a border")


def zero(count: int, n: int, unit: str, *, twin_caught: bool | None, event: str = "failures") -> Verdict:
    """Decide the claim that something never happens, from `count` events in `n` trials.

    `unit` is the plural of what was tried: signals, crashes or walks, never requests.  `twin_caught` says
    whether a deliberately broken twin was caught in the same session; None where no twin can be made.
    One event refutes; none proves at most 3 ÷ n (at 95 %).
    """
    if count > 0:
        return _verdict("refuted", f"{count} of {n} {unit} led to {event}: it does happen.", "")
    if twin_caught is False:
        sentence = (
            f"0 of {n} {unit} led to {event}, but the broken twin was not caught either: "
            f"this session could not have seen them."
        )
        return _verdict("inconclusive", sentence, "", "the broken twin was not caught")
    if n <= ZERO_BOUND:
        sentence = f"0 of {n} {unit} led to {event}; so few trials bound nothing."
        return _verdict("inconclusive", sentence, "", f"only {n} {unit}")
    twin = "; a broken twin was caught in the same session" if twin_caught else "; no twin could be made"
    sentence = (
        f"0 of {n} {unit} led to {event}, so at most {percent(ZERO_BOUND / n)} of them do (3 ÷ {n}, at 95 %){twin}."
    )
    return _verdict("supported", sentence, "")


def untested(reason: str) -> Verdict:
    """Say that a claim was not measured here, and why: cores, engine, service."""
    return Verdict(verdict="untested", sentence=f"Not tested here: {reason}.", reason=reason)


def _verdict(word: VerdictWord, sentence: str, note: str, reason: str | None = None) -> Verdict:
    return Verdict(verdict=word, sentence=f"{sentence} {note}".strip(), reason=reason)


def _no_interval(estimate: Estimate, metric: str) -> Verdict:
    verb = "gives" if estimate.n == 1 else "give"
    sentence = f"{counted(estimate.n)} {verb} no interval of {spoken(metric)}: nothing is decided."
    return Verdict(verdict="inconclusive", sentence=sentence, reason="too few valid blocks for an interval")


def _at_shared_level(estimate: Estimate, span: Span, count: int) -> Span:
    """Widen the interval on the log scale from 1 − α to 1 − α ÷ count."""
    if count == 1 or estimate.n < 2:  # noqa: PLR2004  (a t interval needs two blocks)
        return span
    stretch = t_critical(1 - VERDICT_ALPHA / count, estimate.n - 1) / t_critical(1 - VERDICT_ALPHA, estimate.n - 1)
    return Span(
        span.value,
        span.value * (span.low / span.value) ** stretch,
        span.value * (span.high / span.value) ** stretch,
    )


def _need_duel(span: Span, margin: float) -> float:
    """Half width (log) at which this point would be decided one way or the other."""
    distance = abs(math.log(span.value))
    return max(distance, math.log1p(margin) - distance)


def _need_beyond(gain: Span, threshold: float, margin: float) -> float:
    distance = abs(math.log(gain.value))
    return max(abs(math.log(gain.value / threshold)), math.log1p(margin) - distance)


def _need_inside(span: Span, margin: float) -> float:
    return abs(math.log1p(margin) - abs(math.log(span.value)))
