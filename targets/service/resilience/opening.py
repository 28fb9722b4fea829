"""From a setting to its policy."""

from __future__ import annotations

import importlib
import time
from typing import Any

from targets.service.practices import retry
from targets.service.resilience.counts import Counts
from targets.service.resilience.policy import Given, Policy

BUILDERS: dict[type[Any], str] = {
    retry.Fixed: "fixed",
    retry.Exponential: "exponential",
    retry.ExponentialJitter: "exponential_jitter",
    retry.Stamina: "stamina_backoff",
    retry.Budget: "budget",
    retry.Breaker: "breaker",
    retry.Hedging: "hedging",
}
"""Modules of this folder: only the chosen one is imported."""


def policy_of(chosen: Any, counts: Counts) -> Policy:
    """Build the policy of one process."""
    module = importlib.import_module(f"targets.service.resilience.{BUILDERS[type(chosen)]}")
    policy: Policy = module.build(chosen, Given(counts, time.monotonic))
    return policy
