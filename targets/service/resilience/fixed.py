"""The same pause before each retry (tenacity): all clients come again together."""

from __future__ import annotations

from tenacity import wait_fixed

from targets.service.practices.retry import Fixed
from targets.service.resilience.policy import Given, Policy
from targets.service.resilience.tenacious import Tenacious


def build(chosen: Fixed, _: Given) -> Policy:
    """Give the policy."""
    return Tenacious(chosen.attempts, wait_fixed(chosen.base_ms / 1e3))
