"""Full jitter behind a circuit breaker: while the other side is down, calls fail at once and send nothing."""

from __future__ import annotations

from targets.service.practices.retry import Breaker
from targets.service.resilience.circuit import Circuit
from targets.service.resilience.counts import Counts
from targets.service.resilience.deadline import Deadline
from targets.service.resilience.exponential_jitter import full_jitter
from targets.service.resilience.failures import CallError
from targets.service.resilience.policy import Attempt, Given, Policy, R
from targets.service.resilience.tenacious import Tenacious


class Guarded:
    """A policy each attempt of which the circuit must allow: where it opens between two, the second is not sent."""

    def __init__(self, inner: Policy, circuit: Circuit, counts: Counts) -> None:
        """Join them."""
        self._inner = inner
        self._circuit = circuit
        self._counts = counts

    async def call(self, attempt: Attempt[R], deadline: Deadline) -> R:
        """Try as the inner policy does, while the circuit allows it; CallError of kind ``open`` where it does not."""

        async def guarded() -> R:
            return await self._guarded(attempt)

        return await self._inner.call(guarded, deadline)

    async def _guarded(self, attempt: Attempt[R]) -> R:
        permit = self._circuit.permit()
        if permit is None:
            self._counts.breaker_refused += 1
            raise CallError("open", "The circuit is open: nothing was sent.", retry_after_s=self._circuit.left_s())
        # Cut off by the deadline counts as a failure: a service that is too slow is of no use.
        failed = True
        try:
            answer = await attempt()
            failed = False
        except CallError as error:
            # Who finds fault with the request is well.  A pool that is full speaks of a service that is too slow.
            failed = error.kind != "refused"
            raise
        finally:
            self._circuit.ended(permit, failed=failed)
        return answer


def build(chosen: Breaker, given: Given) -> Policy:
    """Give the policy."""
    circuit = Circuit(
        given.clock,
        given.counts,
        threshold=chosen.threshold,
        cooldown_s=chosen.cooldown_s,
        share=chosen.share,
        window=chosen.window,
    )
    wait = full_jitter(chosen.base_ms, chosen.cap_ms)
    return Guarded(Tenacious(chosen.attempts, wait), circuit, given.counts)
