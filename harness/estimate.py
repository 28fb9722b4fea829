"""From the blocks of a cell to an estimate, and from the grains of a condition to one envelope."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct, structs

from harness.bank import BankEntry, inflation
from harness.model import Block, Condition, Estimate, Grain, Interval, Role
from harness.stats.aa import aa_control
from harness.stats.envelope import GrainFigure, combine, grain_figure
from harness.stats.intervals import ratio_interval, standard_deviation
from harness.stats.looks import INTERVAL_CONFIDENCE, VERDICT_CONFIDENCE, Look
from harness.stats.pace import levelled, refused
from harness.stats.power import noise_floor
from harness.stats.ratios import block_log_ratio, instance_log_ratio


class Grained(Struct, frozen=True):
    """The estimate of one cell, and what its control said."""

    grain: Grain
    estimate: Estimate
    figure: GrainFigure | None
    """The same for joining grains; None with fewer than two blocks."""
    logs: tuple[float, ...]
    """Log-ratios of the valid blocks that the estimate is made of."""
    offset: float
    """By how much the control widened the interval, as a log; 0 where it did not trip."""
    at_one_pace: bool = False
    """Whether the estimate is taken to one pace of the core."""
    metered: Interval | None = None
    """The ratio as metered where the estimate is taken to one pace; None where it is not, or has no interval."""
    pace_refused: bool = False
    """Whether the pace was watched and differed beside the two arms by more than chance: then it is not used."""


def cell(
    blocks: Sequence[Block], grain: Grain, condition: Condition, look: Look, known: Sequence[BankEntry]
) -> Grained:
    """Estimate candidate ÷ baseline of CPU per request from the valid blocks of one cell.

    ``known`` are the entries of this machine's bank: t intervals are widened by what it calibrates.
    """
    valid = [block for block in blocks if not block.voids]
    even = levelled(valid)
    paced = even is not None
    metered = log_ratios(valid)
    logs = log_ratios(even or valid)

    def widening(confidence: float, *, at_equal_pace: bool) -> float:
        n = max(2, len(logs))
        return inflation(known, condition.regime, grain, n, confidence, at_equal_pace=at_equal_pace).factor

    factor = widening(INTERVAL_CONFIDENCE, at_equal_pace=paced)
    decisive = widening(VERDICT_CONFIDENCE, at_equal_pace=paced)
    plain = widening(INTERVAL_CONFIDENCE, at_equal_pace=False)
    offset = _control(even or valid, factor)
    figure = grain_figure(
        grain,
        logs,
        inflation=factor,
        verdict_inflation=decisive,
        offset=offset,
        confidence=look.interval_confidence,
        verdict_confidence=look.verdict_confidence,
    )
    shown, decided = (figure.shown, figure.decided) if figure else (None, None)
    spread = standard_deviation(logs)
    alpha = 1 - look.verdict_confidence
    return Grained(
        grain=grain,
        estimate=Estimate(
            metric="cpu_us_per_request",
            unit="ratio",
            value=shown.value if shown else (math.exp(logs[0]) if logs else None),
            low=shown.low if shown else None,
            high=shown.high if shown else None,
            n=len(logs),
            noise_floor=None if spread is None else noise_floor(spread, len(logs), alpha, inflation=decisive),
            verdict_low=decided.low if decided else None,
            verdict_high=decided.high if decided else None,
            condition=condition.name,
            grain=grain,
        ),
        figure=figure,
        logs=tuple(logs),
        offset=offset,
        at_one_pace=paced,
        metered=ratio_interval(metered, look.interval_confidence, plain) if paced else None,
        pace_refused=refused(valid),
    )


def log_ratios(blocks: Sequence[Block]) -> list[float]:
    """Logs of candidate ÷ baseline, one per block that has one."""
    return [value for block in blocks if (value := block_log_ratio(block)) is not None]


def _control(valid: Sequence[Block], factor: float) -> float:
    """The session's A/A, of both architectures: by how much it widens the interval (0: not tripped)."""
    roles: tuple[Role, ...] = ("baseline", "candidate")
    offsets = []
    for role in roles:
        logs = [value for block in valid if (value := instance_log_ratio(block, role)) is not None]
        offsets.append(abs(aa_control(logs, factor).offset))
    return max(offsets)


class Whole(Struct, frozen=True):
    """A condition over all its grains."""

    estimate: Estimate
    grains: tuple[Grained, ...]
    spread: float | None
    """Largest difference between grains, as a log; None with one grain."""
    grains_agree: bool | None


def condition(found: Sequence[Grained], what: Condition) -> Whole:
    """The reference grain's point with the envelope of all grains' intervals (``stats.envelope``)."""
    reference = next(one for one in found if one.grain == what.grains[0])
    joined = combine({one.grain: one.figure for one in found if one.figure is not None}, what.grains[0])
    if joined is None:
        return Whole(estimate=reference.estimate, grains=tuple(found), spread=None, grains_agree=None)
    estimate = structs.replace(
        reference.estimate,
        low=joined.shown.low,
        high=joined.shown.high,
        verdict_low=joined.decided.low,
        verdict_high=joined.decided.high,
        noise_floor=max(one.estimate.noise_floor or 0.0 for one in found),
        grain="+".join(one.grain for one in found if one.figure is not None),
    )
    agree = None if joined.grain_spread is None else not joined.grains_differ
    return Whole(estimate=estimate, grains=tuple(found), spread=joined.grain_spread, grains_agree=agree)
