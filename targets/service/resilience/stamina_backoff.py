"""Attempts through stamina: exponential pauses plus a jitter of up to one base pause, as its authors chose them."""

from __future__ import annotations

import stamina

from targets.service.practices.retry import Stamina
from targets.service.resilience.deadline import Deadline
from targets.service.resilience.failures import worth_another
from targets.service.resilience.policy import Attempt, Given, Policy, R


class Staunch:
    """Tries again as stamina does."""

    def __init__(self, attempts: int, base_s: float, cap_s: float) -> None:
        """Keep what does not change from call to call."""
        self._attempts = attempts
        self._base_s = base_s
        self._cap_s = cap_s

    async def call(self, attempt: Attempt[R], deadline: Deadline) -> R:
        """Try until it works, the attempts are used up, or the time is.

        stamina asks for the time before a pause, not for the time after it: one that outlasts the deadline is begun,
        and cut off by whoever called.
        """
        caller = stamina.AsyncRetryingCaller(
            attempts=self._attempts,
            timeout=deadline.left_s(),
            wait_initial=self._base_s,
            wait_max=self._cap_s,
            wait_jitter=self._base_s,
        )
        return await caller(worth_another, attempt)


def build(chosen: Stamina, _: Given) -> Policy:
    """Give the policy, and keep stamina from writing a log line of its own for each retry: logging is a switch."""
    stamina.instrumentation.set_on_retry_hooks(())
    return Staunch(chosen.attempts, chosen.base_ms / 1e3, chosen.cap_ms / 1e3)
