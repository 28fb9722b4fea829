"""From a question to a plan: conditions, grains, blocks and looks, all fixed before the first block."""

from __future__ import annotations

from collections.abc import Sequence

from harness import target as targets
from harness.model import App, Behind, Condition, Grain, Load, Plan, Regime, RuntimeName, Target
from harness.stats.looks import planned_looks

MEASURE_S = 5.0
"""Requests of both arms interleaved: noise within a block cancels, and start-up would dominate shorter ones."""

MEASURE_LONE_S = 3.0
"""Arms loaded one at a time: processes of one arm may differ by 2 % (results/evidence/process-spread.json), so
many short blocks with fresh processes beat few long ones."""

WARMUP_S = 1.0
"""Imports are done when a server answers; a second of load fills caches and specialises byte code."""

USERS = 16
"""Connections of each arm at saturation: 8 to 16 is where two servers' ratio stops moving."""

BLOCKS_MIN = 4
"""Below four blocks a t interval at 99 % is wider than any verdict can use."""

LOOKS = 2
"""A look in the middle saves half of the time where a difference is plain, and costs little width."""

RERUN_SHARE = 0.5
"""Void blocks that may be repeated, as a share of a cell's blocks."""

MARGIN = 0.01
"""Differences below 1 % are not worth a change: ours."""


def grains(baseline: Target, candidate: Target, regime: Regime) -> tuple[Grain, ...]:
    """The grains that fit, the reference first.

    One architecture, open: requests interleaved.  Everything else: a lone server in steady state
    (slices), and a second grain to doubt the first where architectures differ.
    """
    alike = targets.architecture(baseline) == targets.architecture(candidate)
    if regime == "open":
        return ("request",) if alike else ("slice", "request")
    return ("slice",) if alike else ("slice", "block")


def load(regime: Regime, *, rate_rps: float | None, users: int | None, measure_s: float) -> Load:
    """The load of a regime with the defaults of the harness."""
    if regime == "open":
        return Load(model="open", rate_rps=rate_rps, warmup_s=WARMUP_S, measure_s=measure_s)
    return Load(model="closed", users=users or USERS, warmup_s=WARMUP_S, measure_s=measure_s)


def duel(
    baseline: Target,
    candidate: Target,
    *,
    app: App,
    scenario: str,
    paths: Sequence[str],
    regimes: Sequence[Regime],
    rate_rps: float | None,
    users: int | None,
    budget_s: float,
    measure_s: float | None,
    seed: int,
    load_workers: int,
    looks: int,
    behind: Behind | None = None,
    runtime: RuntimeName = "local",
) -> Plan:
    """Plan a duel: one condition per regime, ``budget_s`` of measuring each; no rate: a pilot will find it.

    Without ``measure_s`` blocks are as long as suits the grains.
    """
    chosen = {regime: grains(baseline, candidate, regime) for regime in regimes}
    if measure_s is None:
        together = all(found == ("request",) for found in chosen.values())
        measure_s = MEASURE_S if together else MEASURE_LONE_S
    conditions = tuple(
        Condition(
            name=regime,
            regime=regime,
            baseline=baseline,
            candidate=candidate,
            app=app,
            scenario=scenario,
            parameters={"paths": list(paths)},
            load=load(regime, rate_rps=rate_rps, users=users, measure_s=measure_s),
            grains=chosen[regime],
            behind=behind,
        )
        for regime in regimes
    )
    most = max(len(condition.grains) for condition in conditions)
    blocks = max(BLOCKS_MIN, round(budget_s / measure_s / most))
    return Plan(
        command="duel",
        seed=seed,
        conditions=conditions,
        blocks_max=blocks,
        looks=planned_looks(blocks, first=BLOCKS_MIN + 2, count=looks),
        rerun_max=max(1, round(blocks * RERUN_SHARE)),
        load_workers=load_workers,
        margin=MARGIN,
        runtime=runtime,
    )
