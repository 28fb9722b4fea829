"""What the services behind the arms cost per request, arm by arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from harness.model import Block, Condition, Grain, Interval, Role
from harness.stats.intervals import ratio_interval

CONFIDENCE = 0.95

SHARED = "both arms are loaded at once in the request grain, so nobody can say whose queries the services work on"
UNREAD = "nobody reads the CPU of a server that the harness did not start"
TOO_FEW = "fewer than two valid blocks can tell, and one has no interval"


class BehindCost(Struct, frozen=True):
    """CPU time per request of the database and cache, in µs, over the valid blocks of one grain: geometric means.

    The services' work in the background is in it; it is as metered, not taken to one pace.
    """

    grain: Grain | None
    """None where no grain can tell."""
    baseline: Interval | None
    candidate: Interval | None
    ratio: Interval | None
    """Candidate ÷ baseline, block by block."""
    n: int
    why_not: str | None = None
    """Why there is no figure."""


def cost(blocks: Sequence[Block], condition: Condition) -> BehindCost | None:
    """The cost behind the arms of one condition; None where nothing stands behind them."""
    if condition.behind is None:
        return None
    # Lone arms, the reference grain first.
    alone = [grain for grain in condition.grains if grain != "request"]
    if not alone:
        return _unknown(SHARED)
    mine = [one for one in blocks if (one.condition, one.grain) == (condition.name, alone[0]) and not one.voids]
    if mine and all(window.backend_ns is None for one in mine for window in one.windows):
        return _unknown(UNREAD)
    pairs = [(_each_us(one, "baseline"), _each_us(one, "candidate")) for one in mine]
    known = [(math.log(first), math.log(second)) for first, second in pairs if first and second]
    if len(known) < 2:  # noqa: PLR2004  (an interval needs two)
        return _unknown(TOO_FEW)
    return BehindCost(
        grain=alone[0],
        baseline=ratio_interval([first for first, _ in known], CONFIDENCE),
        candidate=ratio_interval([second for _, second in known], CONFIDENCE),
        ratio=ratio_interval([second - first for first, second in known], CONFIDENCE),
        n=len(known),
    )


def document(found: BehindCost | None) -> dict[str, Any] | None:
    """The cost as a regime of a duel's document has it; None where nothing stands behind the arms."""
    if found is None:
        return None
    return {
        "metric": "behind_cpu_us_per_request",
        "grain": found.grain,
        **{name: _shown(getattr(found, name)) for name in ("baseline", "candidate", "ratio")},
        "n": found.n,
        "why_not": found.why_not,
    }


def _shown(interval: Interval | None) -> dict[str, Any] | None:
    return None if interval is None else msgspec.to_builtins(interval)


def _unknown(why_not: str) -> BehindCost:
    return BehindCost(grain=None, baseline=None, candidate=None, ratio=None, n=0, why_not=why_not)


def _each_us(block: Block, role: Role) -> float | None:
    """ΣCPU behind ÷ Σrequests of one arm's windows, in µs; None where a window was not metered."""
    mine = [window for window in block.windows if window.role == role]
    used = [window.backend_ns for window in mine]
    requests = sum(window.requests for window in mine)
    if None in used or not requests:
        return None
    return sum(value or 0 for value in used) / requests / 1e3
