"""Full jitter behind a retry budget: retries are paid for by successes.

A token bucket for each client, as in the AWS SDKs and Finagle (Brooker, Fixing retries with token buckets and circuit
breakers, 2022): each success pays in ``ratio`` tokens, each retry takes 1, and the bucket holds ``reserve`` at most.
Over n calls, s of which succeed, there are at most ``reserve + ratio · s`` retries, however bad things are; a fixed
number of attempts multiplies the load exactly when the other side is down.
"""

from __future__ import annotations

from tenacity import RetryCallState

from targets.service.practices.retry import Budget
from targets.service.resilience.counts import Counts
from targets.service.resilience.deadline import Deadline
from targets.service.resilience.exponential_jitter import full_jitter
from targets.service.resilience.policy import Attempt, Given, Policy, R
from targets.service.resilience.tenacious import Tenacious

_LEAST = 1.0 - 1e-9
"""Ten times a tenth is a whole token, which sums of binary fractions miss by a hair."""


class Bucket:
    """Tokens of one process."""

    def __init__(self, ratio: float, reserve: float, counts: Counts) -> None:
        """Start full: the first failures after a start may be tried again."""
        self._ratio = ratio
        self._reserve = reserve
        self._counts = counts
        self.tokens = reserve

    def pay_in(self) -> None:
        """Take note of a success."""
        self.tokens = min(self._reserve, self.tokens + self._ratio)

    def refuses(self, _: RetryCallState) -> bool:
        """Take a token for a retry; True where there is none."""
        if self.tokens < _LEAST:
            self._counts.budget_refused += 1
            return True
        self.tokens = max(0.0, self.tokens - 1)
        return False


class Budgeted:
    """A policy whose successes fill the bucket that its retries empty."""

    def __init__(self, inner: Policy, bucket: Bucket) -> None:
        """Join them."""
        self._inner = inner
        self._bucket = bucket

    async def call(self, attempt: Attempt[R], deadline: Deadline) -> R:
        """Try as the inner policy does."""
        answer = await self._inner.call(attempt, deadline)
        self._bucket.pay_in()
        return answer


def build(chosen: Budget, given: Given) -> Policy:
    """Give the policy."""
    bucket = Bucket(chosen.ratio, chosen.reserve, given.counts)
    wait = full_jitter(chosen.base_ms, chosen.cap_ms)
    return Budgeted(Tenacious(chosen.attempts, wait, bucket.refuses), bucket)
