"""From the blocks of a run to the verdicts of its claims."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from harness import catalog, crashes, duel, rules, target
from harness.claims.claim import Claim, Duet, Equivalent, Faster, Probe, Timeline, Within, Zero
from harness.crashes import Crash
from harness.estimate import log_ratios
from harness.model import App, Block, Condition, Estimate, Plan, Verdict
from harness.plan import grains
from harness.probes import Decided, decide
from harness.stats.distributions import normal_cdf
from harness.stats.heterogeneity import interaction
from harness.stats.shares import difference_p
from harness.store.folder import slugify

PROFILE = "profile:"
"""How a plan's list of claims names its profile."""

NOT_IN_PROFILE = "left out of this profile; a deeper one (--profile full) measures it"


def condition_of(claim: Claim, duet: Duet, root: Path, plugins: Sequence[Path], measure_s: float) -> Condition:
    """The duet as a condition of the plan; an open load without a rate still has none."""
    options = catalog.server_options(root, plugins)
    serializers = [entry.name for entry in catalog.serializers(root, plugins)]
    arms = [target.parse(text, servers=options, serializers=serializers) for text in (duet.baseline, duet.candidate)]
    return Condition(
        name=f"{claim.number}: {duet.name}",
        regime=duet.regime,
        baseline=arms[0],
        candidate=arms[1],
        app=App(),
        scenario=duet.scenario or "paths",
        parameters={"paths": list(duet.paths)},
        load=structs.replace(duet.load, measure_s=measure_s),
        grains=grains(arms[0], arms[1], duet.regime),
    )


class Seen(Struct, frozen=True):
    """All that a run observed: blocks, the lines of probes by module, crashes by claim and condition."""

    blocks: tuple[Block, ...]
    lines: dict[str, Any]
    crashes: dict[str, tuple[Crash, ...] | str]
    """A string says why there are none."""


def key(found: Claim, one: Timeline) -> str:
    """Under which a timeline's crashes are kept."""
    return slugify(f"{found.number}-{one.name}")


def claim(found: Claim, plan: Plan, folder: Path, seen: Seen) -> dict[str, Any]:
    """The row of one claim: verdict, sentence, estimates, reason, and the command that repeats it."""
    conditions = [one for one in found.conditions if not _is_control(one)]
    decided = {one.name: _condition(found, one, plan, folder, seen) for one in conditions}
    verdicts = {name: one.verdict for name, one in decided.items()}
    estimates = [one.estimate for one in decided.values() if one.estimate is not None]
    for waiting in found.waiting:
        verdicts[waiting.name] = rules.untested(waiting.reason)
    whole = _whole(found, verdicts, estimates, _interaction(list(decided.values())))
    failed = [one.name for one in found.conditions if _is_control(one) and not _control_held(found, one, seen)]
    if failed:
        whole = Verdict(
            verdict="inconclusive", sentence=whole.sentence, reason=f"a control came out wrong: {', '.join(failed)}"
        )
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
        "rerun": f"harness run {found.number} --profile {profile(plan)} --seed {plan.seed}",
    }


def profile(plan: Plan) -> str:
    """Which profile a plan was made for."""
    return next((word.removeprefix(PROFILE) for word in plan.claims if word.startswith(PROFILE)), "quick")


def _whole(
    found: Claim, verdicts: dict[str, Verdict], estimates: Sequence[Estimate], p_interaction: float | None
) -> Verdict:
    if found.untested_reason is not None:
        return rules.untested(found.untested_reason)
    ratios = [estimate for estimate in estimates if estimate.unit == "ratio"]
    p_values = {estimate.condition.partition(": ")[2] or estimate.condition: _p(estimate) for estimate in ratios}
    decided = {name: value for name, value in p_values.items() if name in verdicts and value is not None}
    whole = rules.over_conditions(verdicts, p_interaction, decided or None)
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


def _is_zero(one: Duet | Timeline | Probe) -> bool:
    return isinstance(one, Probe) and isinstance(one.rule, Zero)


def _is_control(one: Duet | Timeline | Probe) -> bool:
    return isinstance(one, Timeline) and one.control is not None


def _control_held(found: Claim, one: Duet | Timeline | Probe, seen: Seen) -> bool:
    if not isinstance(one, Timeline):
        return True
    observed = seen.crashes.get(key(found, one), ())
    return not isinstance(observed, str) and bool(observed) and crashes.control_held(one, observed)


def _timeline(found: Claim, one: Timeline, seen: Seen) -> Decided:
    observed = seen.crashes.get(key(found, one), "it was not observed")
    if isinstance(observed, str):
        return Decided(rules.untested(observed))
    logs = tuple(float(each.recovered_s(one.rule.within_s) is not None) for each in observed)
    return Decided(crashes.decide(one, observed), crashes.estimate(one, observed), shares=logs)


def _condition(found: Claim, one: Duet | Timeline | Probe, plan: Plan, folder: Path, seen: Seen) -> Decided:
    blocks = seen.blocks
    if isinstance(one, Timeline):
        return _timeline(found, one, seen)
    if isinstance(one, Probe):
        return decide(one, seen.lines.get(one.module, "the probe was not run"), found.origin)
    planned = {condition.name: condition for condition in plan.conditions}
    condition = planned.get(f"{found.number}: {one.name}")
    if condition is None:
        return Decided(rules.untested(NOT_IN_PROFILE))
    estimate = duel.whole_of(condition, plan, folder, blocks).estimate
    reference = [
        block
        for block in blocks
        if (block.condition, block.grain) == (condition.name, condition.grains[0]) and not block.voids
    ]
    return Decided(_ruled(one, estimate, found.origin), estimate, tuple(log_ratios(reference)))


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


def _error(estimate: Estimate) -> float | None:
    """Standard error of the log-ratio, from the shown interval (normal approximation)."""
    if not estimate.low or not estimate.high or estimate.high <= estimate.low:
        return None
    return math.log(estimate.high / estimate.low) / (2 * 1.96)


def _p(estimate: Estimate) -> float | None:
    error = _error(estimate)
    if error is None or not estimate.value:
        return None
    return 2 * (1 - normal_cdf(abs(math.log(estimate.value)) / error))


def _interaction(decided: Sequence[Decided]) -> float | None:
    """p-value of "the effect is the same under all conditions"."""
    shares = [(round(sum(one.shares)), len(one.shares)) for one in decided if one.shares]
    if len(shares) > 1:
        # The two that differ most, once for each pair that there is (Bonferroni).
        ordered = sorted(shares, key=lambda share: share[0] / share[1])
        pairs = len(shares) * (len(shares) - 1) / 2
        return min(1.0, pairs * difference_p(ordered[0], ordered[-1]))
    tested = interaction([one.logs for one in decided if one.logs])
    return None if tested is None else tested.p
