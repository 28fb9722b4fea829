"""What a moment of load tells before the plan is fixed: the rate where none was given, and the slices' length."""

from __future__ import annotations

import math

from msgspec import structs

from harness.model import Block, Condition, Load
from harness.stats.ratios import cost_per_request_ns
from harness.validity import LATE

SHARE = 0.5
"""Room for bursts: Poisson arrivals at half of a core rarely queue."""

CHEAPER_WHEN_BUSIER = 1.15
"""Cost per request falls with the rate; the pilot runs at a low one."""

FALLBACK_RPS = 300.0
"""Where the processes of the arms cannot be read."""

LOAD = Load(model="open", rate_rps=300, warmup_s=0.5, measure_s=2.0)
"""Low, so that a slow app is not overrun, and dense enough for a cost within a few per cent."""

SLICE_MIN_S = 0.1
"""A shared core changes its speed by half within a second: of two slices of 0.1 s one behind the other both
meet the same speed more often than of two of 0.5 s.  Blocks of two servers differed by 2.1 % (SD) with
the former, by 5.0 % with the latter, around means that agree (results/evidence/slice-lengths.json)."""

SLICE_MAX_S = 1.0
"""Four processes have to get their turns within a block of a few seconds."""

TURNS = 10
"""A slice holds each connection's request this often, at the pilot's cost: its edges are a small part of it.  At
saturation a request costs a third of that, so that it is some thirty times."""

ARMS = 2

ANSWERS = 20
"""At a low rate a slice is long enough for this many requests."""


OVERRUN = 0.8
"""Share of the arms' core beyond which a pilot's queue may have grown: its costs then say little."""

SLOWER = 5.0
"""By how much an overrun pilot is repeated more slowly: 300, 60, 12 requests a second."""

SLOWEST_RPS = 10.0


def overrun(block: Block) -> bool:
    """Whether the pilot's load was more than the arms, and what stands behind them, can be asked for."""
    late = any(void.check == LATE for void in block.voids)
    return late or (block.utilisation or 0.0) + (block.backend_share or 0.0) > OVERRUN


def slower(load: Load) -> Load | None:
    """The next pilot's load; None where it is as slow as pilots go."""
    rate_rps = (load.rate_rps or FALLBACK_RPS) / SLOWER
    return structs.replace(load, rate_rps=rate_rps) if rate_rps >= SLOWEST_RPS else None


def rate_for_half(block: Block, load: Load = LOAD) -> float:
    """Rate per arm in requests per second, rounded to two digits, from one pilot block at ``load``."""
    costs = cost_per_request_ns(block.costs, "baseline"), cost_per_request_ns(block.costs, "candidate")
    if costs[0] is None or costs[1] is None:
        return FALLBACK_RPS
    # What stands behind the arms shares their core.
    behind_ns = _behind_ns(block, load) * ARMS
    rate = SHARE * CHEAPER_WHEN_BUSIER * 1e9 / (costs[0] + costs[1] + behind_ns)
    return max(1.0, float(f"{rate:.2g}"))


def slice_s(block: Block, condition: Condition, piloted: Load = LOAD) -> float:
    """Length of a slice, in tenths of a second, in which a lone server is in its steady state.

    ``piloted`` is the load of the pilot block.
    """
    load = condition.load
    costs = [cost_per_request_ns(block.costs, role) for role in ("baseline", "candidate")]
    known = [cost for cost in costs if cost is not None]
    if load.model == "open":
        wanted_s = ANSWERS / (load.rate_rps or FALLBACK_RPS)
    elif known:
        wanted_s = TURNS * (load.users or 1) * (max(known) + _behind_ns(block, piloted)) / 1e9
    else:
        wanted_s = SLICE_MAX_S
    return min(max(math.ceil(wanted_s * 10) / 10, SLICE_MIN_S), SLICE_MAX_S)


def _behind_ns(block: Block, load: Load) -> float:
    """CPU time per request of what stands behind the arms, at the pilot's rate."""
    return (block.backend_share or 0.0) * 1e9 / (ARMS * (load.rate_rps or FALLBACK_RPS))
