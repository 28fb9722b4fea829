"""Pauses that double, without jitter (tenacity): clients that failed together stay together."""

from __future__ import annotations

from tenacity import wait_exponential

from targets.service.practices.retry import Exponential
from targets.service.resilience.policy import Given, Policy
from targets.service.resilience.tenacious import Tenacious


def build(chosen: Exponential, _: Given) -> Policy:
    """Give the policy."""
    return Tenacious(chosen.attempts, wait_exponential(multiplier=chosen.base_ms / 1e3, max=chosen.cap_ms / 1e3))
