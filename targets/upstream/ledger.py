"""What really arrived and what became of it: exact counts of one process, since the last reset."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Ledger:
    """Every request that arrived is answered, abandoned or still here."""

    arrived: int = 0
    here: int = 0
    worked: int = 0
    """Work that was done to its end, for whomever."""
    abandoned: int = 0
    """The client had gone before there was an answer."""
    completed_late: int = 0
    """Work that ended after the time which the request had left when it came (X-Timeout-Ms)."""
    expired: int = 0
    """Answered 504 without work, because the time was up before the turn came."""
    shed: int = 0
    """Turned away at once, because too many waited."""
    busy_max: int = 0
    waiting_max: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    """By X-Attempt."""
    versions: Counter[str] = field(default_factory=Counter)
    """By version of HTTP."""
    requests: set[str] = field(default_factory=set)
    """Distinct X-Request-IDs."""
    traces: set[str] = field(default_factory=set)
    """Distinct traceparents."""
    clients: set[tuple[str, int]] = field(default_factory=set)
    """Addresses from which requests came: a connection each, but for a port that is used again."""

    def report(self) -> dict[str, Any]:
        """Give the counts as JSON can carry them."""
        plain = ("arrived", "here", "worked", "abandoned", "completed_late", "expired", "shed", "busy_max")
        return {name: getattr(self, name) for name in (*plain, "waiting_max")} | {
            "answered": {str(status): count for status, count in sorted(self.answered.items())},
            "attempts": dict(sorted(self.attempts.items())),
            "versions": dict(sorted(self.versions.items())),
            "logical": len(self.requests),
            "traces": len(self.traces),
            "connections": len(self.clients),
        }
