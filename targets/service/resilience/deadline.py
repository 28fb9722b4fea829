"""Until when a call is worth anything."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of the process's monotonic clock; None: whenever."""

    ends_s: float | None = None

    def left_s(self) -> float | None:
        """Give what is left, negative once it is over; None without an end."""
        return None if self.ends_s is None else self.ends_s - time.monotonic()

    def over(self) -> bool:
        """Tell whether the time is up."""
        left_s = self.left_s()
        return left_s is not None and left_s <= 0


def within_ms(*budgets_ms: float | None) -> Deadline:
    """Give the end of the shortest of these budgets, which begin now; None is no budget."""
    known = [budget_ms for budget_ms in budgets_ms if budget_ms is not None]
    return Deadline(time.monotonic() + min(known) / 1e3) if known else Deadline()
