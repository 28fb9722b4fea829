"""What calls, attempts and policies did: exact, since the start of the process."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["closed", "open", "half-open"]


@dataclass(slots=True)
class Counts:
    """Written by the calls and by whatever policy is chosen."""

    logical: int = 0
    """Calls that somebody made of us."""
    attempts: int = 0
    """Requests that were sent for them."""
    first: int = 0
    """Calls for which at least one request was sent."""
    hedges: int = 0
    """Attempts that were sent beside one that was still under way."""
    given_up: int = 0
    """Calls that ended without an answer."""
    budget_refused: int = 0
    """Retries that the budget did not allow."""
    breaker_refused: int = 0
    """Attempts that were not sent because the circuit was open."""
    cut: int = 0
    """Calls that the deadline ended while an attempt was under way, or a pause."""
    wasted: int = 0
    """Answers that came after the time which our own caller had given (X-Timeout-Ms)."""
    breaker: State | None = None
    """None: no circuit breaker is there."""
    transitions: list[tuple[int, State]] = field(default_factory=list)
    """(CLOCK_MONOTONIC in ns, state)."""

    def turned(self, state: State) -> None:
        """Note that the breaker changed."""
        self.breaker = state
        self.transitions.append((time.monotonic_ns(), state))

    def report(self) -> dict[str, Any]:
        """Give the counts as JSON can carry them."""
        return {
            "logical": self.logical,
            "attempts": self.attempts,
            "retries": self.attempts - self.first - self.hedges,
            "hedges": self.hedges,
            "given_up": self.given_up,
            "budget_refused": self.budget_refused,
            "breaker_refused": self.breaker_refused,
            "cut": self.cut,
            "wasted": self.wasted,
            "breaker": self.breaker,
            "transitions": self.transitions,
        }
