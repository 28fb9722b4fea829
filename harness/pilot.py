"""The rate of a duel for which none was given: both arms together use about half of their core."""

from __future__ import annotations

from harness.model import Block
from harness.stats.ratios import cost_per_request_ns

SHARE = 0.5
"""Room for bursts: Poisson arrivals at half of a core rarely queue."""

CHEAPER_WHEN_BUSIER = 1.15
"""Cost per request falls with the rate; the pilot runs at a low one."""

FALLBACK_RPS = 300.0
"""Where the processes of the arms cannot be read."""


def rate_for_half(block: Block) -> float:
    """Rate per arm in requests per second, rounded to two digits, from one pilot block."""
    costs = cost_per_request_ns(block.costs, "baseline"), cost_per_request_ns(block.costs, "candidate")
    if costs[0] is None or costs[1] is None:
        return FALLBACK_RPS
    rate = SHARE * CHEAPER_WHEN_BUSIER * 1e9 / (costs[0] + costs[1])
    return max(10.0, float(f"{rate:.2g}"))
