"""From the blocks of a run to the verdicts of its claims."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from harness import catalog, crashes, curves, duel, outcomes, rules
from harness.backends.needs import behind_of
from harness.claims.claim import AtMost, Claim, Duet, Equivalent, Faster, Probe, Restart, Rule, Sweep, Within, Zero
from harness.claims.claim import Condition as Experiment
from harness.course import Timeline
from harness.crashes import Crash
from harness.decided import Decided
from harness.families import over_conditions, over_parts
from harness.model import App, Block, Condition, Estimate, Plan, Verdict
from harness.passage import Passage
from harness.plan import grains
from harness.probes import decide
from harness.stats.distributions import normal_cdf, normal_quantile
from harness.stats.heterogeneity import interaction
from harness.stats.shares import heterogeneity_p
from harness.store.folder import slugify
from harness.swept import SweepBlock

PROFILE = "profile:"
"""How a plan's list of claims names its profile."""

NOT_IN_CONTAINERS = "a probe is not observed in containers: the same command without --runtime compose observes it"

NOT_IN_PROFILE = "left out of this profile, or for want of time; --profile full or a larger --budget measures it"


def condition_of(
    claim: Claim, duet: Duet, root: Path, plugins: Sequence[Path], measure_s: float, seed: int
) -> Condition:
    """The duet as a condition of the plan; an open load without a rate still has none."""
    arms = [catalog.target(text, root, plugins) for text in (duet.baseline, duet.candidate)]
    return Condition(
        name=f"{claim.number}: {duet.name}",
        regime=duet.regime,
        baseline=arms[0],
        candidate=arms[1],
        app=App(),
        scenario=duet.scenario or "paths",
        parameters={"paths": list(duet.paths), **({"requests": list(duet.requests)} if duet.requests else {})},
        load=structs.replace(duet.load, measure_s=measure_s),
        grains=grains(arms[0], arms[1], duet.regime),
        expect=duet.expect,
        behind=behind_of(arms, rows=duet.rows, own=duet.own_data, seed=seed),
    )


class Seen(Struct, frozen=True):
    """All that a run observed: blocks, the lines of probes by module, crashes by claim and condition."""

    blocks: tuple[Block, ...]
    lines: dict[str, Any]
    crashes: dict[str, tuple[Crash, ...] | str]
    """A string says why there are none."""
    sweeps: dict[str, tuple[SweepBlock, ...] | str] = {}
    """By grid; a string says why there are none."""
    courses: dict[str, tuple[Passage, ...] | str] = {}
    """By course; a string says why there are none."""


def key(found: Claim, one: Restart) -> str:
    """Under which a restart's crashes are kept."""
    return slugify(f"{found.number}-{one.name}")


def claim(found: Claim, plan: Plan, folder: Path, seen: Seen) -> dict[str, Any]:
    """The row of one claim: verdict, sentence, estimates, reason, and the command that repeats it."""
    conditions = [one for one in found.conditions if not _is_control(one)]
    decided = {one.name: _condition(found, one, plan, folder, seen) for one in conditions}
    verdicts = {name: one.verdict for name, one in decided.items()}
    estimates = [one.estimate for one in decided.values() if one.estimate is not None]
    for waiting in found.waiting:
        verdicts[waiting.name] = rules.untested(waiting.reason)
    p_values = {one.name: _p(one, decided[one.name].verdict, decided[one.name].estimate) for one in conditions}
    carried = {name: value for name, value in p_values.items() if value is not None}
    whole = _whole(found, verdicts, carried, _interaction(list(decided.values())))
    failed = _controls_failed(found, seen)
    if failed is not None and whole.verdict != "untested":
        whole = Verdict(verdict="inconclusive", sentence=whole.sentence, reason=failed)
    return {
        "number": found.number,
        "id": found.id,
        "section": found.section,
        "statement": found.statement,
        "verdict": whole.verdict,
        "sentence": whole.sentence,
        "estimates": [msgspec.to_builtins(estimate) for estimate in estimates],
        "reason": whole.reason,
        "conditions": [
            {"name": name, "verdict": one.verdict, "sentence": one.sentence} for name, one in verdicts.items()
        ],
        "rerun": f"harness run {found.number} --profile {profile(plan)} --seed {plan.seed}"
        + ("" if plan.runtime == "local" else f" --runtime {plan.runtime}"),
    }


def profile(plan: Plan) -> str:
    """Which profile a plan was made for."""
    return next((word.removeprefix(PROFILE) for word in plan.claims if word.startswith(PROFILE)), "quick")


def _whole(
    found: Claim, verdicts: dict[str, Verdict], p_values: dict[str, float], p_interaction: float | None
) -> Verdict:
    if found.untested_reason is not None:
        return rules.untested(found.untested_reason)
    whole = over_parts(verdicts) if found.parts else over_conditions(verdicts, p_interaction, p_values or None)
    broken = [one for one in found.conditions if _is_zero(one) and verdicts[one.name].verdict == "refuted"]
    if broken:
        # "Never" is refuted by one counter-example, whatever the other conditions say.
        return Verdict(
            verdict="refuted", sentence=" ".join(f"{one.name}: {verdicts[one.name].sentence}" for one in broken)
        )
    # A part of the claim that waits forbids "supported": what was not measured may refute it.
    if whole.verdict == "supported" and any(one.verdict == "untested" for one in verdicts.values()):
        waiting = ", ".join(name for name, one in verdicts.items() if one.verdict == "untested")
        return Verdict(verdict="inconclusive", sentence=whole.sentence, reason=f"holds so far; not measured: {waiting}")
    return whole


def _is_zero(one: Experiment) -> bool:
    return isinstance(one, Probe) and isinstance(one.rule, Zero)


def _is_control(one: Experiment) -> bool:
    return isinstance(one, Restart) and one.control is not None


def _controls_failed(found: Claim, seen: Seen) -> str | None:
    """Which controls were not observed or came out wrong, in words; None where all held."""
    wrong = []
    for one in found.conditions:
        if not isinstance(one, Restart) or one.control is None:
            continue
        observed = seen.crashes.get(key(found, one), "it was not observed")
        if isinstance(observed, str):
            wrong.append(f"{one.name}: {observed}")
        elif not crashes.control_held(one, observed):
            wrong.append(f"{one.name}: it came out wrong")
    return "; ".join(wrong) or None


def _restart(found: Claim, one: Restart, seen: Seen) -> Decided:
    observed = seen.crashes.get(key(found, one), "it was not observed")
    if isinstance(observed, str):
        return Decided(rules.untested(observed))
    recovered = sum(each.recovered_s(one.rule.within_s) is not None for each in observed)
    share = recovered, len(observed)
    return Decided(crashes.decide(one, observed), crashes.estimate(one, observed), share=share)


def _shaped(found: Claim, one: Timeline | Sweep, seen: Seen) -> Decided:
    """What a course or a grid, which several conditions may read, says of one of them."""
    if isinstance(one, Timeline):
        passed = seen.courses.get(one.course.id, NOT_IN_PROFILE)
        return (
            Decided(rules.untested(passed)) if isinstance(passed, str) else outcomes.decide(one, passed, found.origin)
        )
    observed = seen.sweeps.get(one.grid.id, NOT_IN_PROFILE)
    return (
        Decided(rules.untested(observed)) if isinstance(observed, str) else curves.decide(one, observed, found.origin)
    )


def _condition(found: Claim, one: Experiment, plan: Plan, folder: Path, seen: Seen) -> Decided:
    blocks = seen.blocks
    if isinstance(one, Restart):
        return _restart(found, one, seen)
    if isinstance(one, Timeline | Sweep):
        return _shaped(found, one, seen)
    if isinstance(one, Probe):
        return decide(one, seen.lines.get(one.module, "the probe was not run"), found.origin)
    planned = {condition.name: condition for condition in plan.conditions}
    condition = planned.get(f"{found.number}: {one.name}")
    if condition is None:
        return Decided(rules.untested(NOT_IN_PROFILE))
    whole = duel.whole_of(condition, plan, folder, blocks)
    reference = next(each for each in whole.grains if each.grain == condition.grains[0])
    return Decided(_ruled(one, whole.estimate, found.origin), whole.estimate, reference.logs)


def _ruled(one: Duet, estimate: Estimate, origin: rules.Origin) -> Verdict:
    labels = one.baseline, one.candidate
    rule = one.rule
    if isinstance(rule, Faster):
        return rules.faster(
            estimate,
            *labels,
            rule.metric,
            threshold=rule.threshold,
            margin=rule.margin,
            threshold_origin=origin,
        )
    if isinstance(rule, Equivalent):
        return rules.equivalent([estimate], rule.margin, *labels, rule.metric)
    if isinstance(rule, AtMost):
        return rules.at_most([estimate], rule.margin, *labels, rule.metric, origin=origin)
    if isinstance(rule, Within):
        return rules.within(
            _inverse(estimate), rule.low, rule.high, f"CPU of {labels[0]} ÷ CPU of {labels[1]}", origin=origin
        )
    return rules.untested(f"no rule of a duet decides {one.name}")


def _inverse(estimate: Estimate) -> Estimate:
    """Baseline ÷ candidate: how many times as cheap the candidate is."""

    def flip(value: float | None) -> float | None:
        return None if not value else 1 / value

    return structs.replace(
        estimate,
        value=flip(estimate.value),
        low=flip(estimate.high),
        high=flip(estimate.low),
        verdict_low=flip(estimate.verdict_high),
        verdict_high=flip(estimate.verdict_low),
    )


def _p(one: Experiment, verdict: Verdict, estimate: Estimate | None) -> float | None:
    """p-value of the test that a verdict rests on, for Holm; None where it rests on none.

    Two-sided, from the distance to the nearest border of what the verdict says, in standard errors of the
    log-ratio that the 99 % interval implies: below 0.01 exactly where that interval stays on its side.
    """
    if isinstance(one, Sweep | Timeline) or estimate is None or estimate.unit != "ratio" or not estimate.value:
        # A sweep's verdict rests on a shape, or on places that are corrected among themselves; a timeline's on counts.
        return None
    if not estimate.verdict_low or not estimate.verdict_high or estimate.verdict_high <= estimate.verdict_low:
        return None
    error = math.log(estimate.verdict_high / estimate.verdict_low) / (2 * normal_quantile(0.995))
    distance = _distance(
        one.rule,
        verdict,
        math.log(estimate.value),
        speed=isinstance(one, Probe) and not isinstance(one.rule, AtMost | Faster),
    )
    return 2 * (1 - normal_cdf(max(0.0, distance) / error))


def _distance(rule: Rule, verdict: Verdict, log_ratio: float, *, speed: bool) -> float:
    """How far a log-ratio (candidate ÷ baseline; a speed the other way round) lies on its verdict's side."""
    gain = log_ratio if speed else -log_ratio
    if isinstance(rule, Equivalent):
        inside = math.log1p(rule.margin) - abs(gain)
        return inside if verdict.verdict == "supported" else -inside
    if isinstance(rule, AtMost):
        inside = math.log1p(rule.margin) + gain
        return inside if verdict.verdict == "supported" else -inside
    if isinstance(rule, Within):
        inside = min(gain - math.log(rule.low), math.log(rule.high) - gain)
        return inside if verdict.verdict == "supported" else -inside
    if isinstance(rule, Faster):
        if verdict.verdict == "no difference":
            return math.log1p(rule.margin) - abs(gain)
        beyond = gain - math.log1p(rule.threshold)
        return beyond if verdict.verdict == "supported" else -beyond
    return 0.0


def _interaction(decided: Sequence[Decided]) -> float | None:
    """p-value of "the effect is the same under all conditions"."""
    shares = [one.share for one in decided if one.share is not None]
    if len(shares) > 1:
        return heterogeneity_p(shares)
    tested = interaction([one.logs for one in decided if one.logs])
    return None if tested is None else tested.p
