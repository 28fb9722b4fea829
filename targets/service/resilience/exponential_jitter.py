"""Pauses drawn evenly from 0 to a bound that doubles (tenacity).

"Full jitter" of Brooker, Exponential Backoff and Jitter (AWS Architecture Blog, 2015).
"""

from __future__ import annotations

from typing import Any

from tenacity import wait_random_exponential

from targets.service.practices.retry import ExponentialJitter
from targets.service.resilience.policy import Given, Policy
from targets.service.resilience.tenacious import Tenacious


def full_jitter(base_ms: float, cap_ms: float) -> Any:
    """Give tenacity's strategy."""
    return wait_random_exponential(multiplier=base_ms / 1e3, max=cap_ms / 1e3)


def build(chosen: ExponentialJitter, _: Given) -> Policy:
    """Give the policy."""
    return Tenacious(chosen.attempts, full_jitter(chosen.base_ms, chosen.cap_ms))
