"""A circuit breaker (Nygard, Release It!, 2007): closed, open, half-open.

Closed: all may try.  It opens after ``threshold`` failures in a row, or where ``share`` of the last ``window`` attempts
failed.  Open: nobody may, for ``cooldown_s``.  Half-open: one may, and its outcome closes or opens it again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from targets.service.resilience.counts import Counts, State


class Circuit:
    """One process's view of the other side."""

    def __init__(
        self,
        clock: Callable[[], float],
        counts: Counts,
        *,
        threshold: int,
        cooldown_s: float,
        share: float | None = None,
        window: int = 20,
    ) -> None:
        """Start with trust; ``clock`` is monotonic, in s."""
        self._clock = clock
        self._counts = counts
        self._threshold = threshold
        self._cooldown_s = cooldown_s
        self._share = share
        self._seen: deque[bool] = deque(maxlen=window)
        self._in_a_row = 0
        self._state: State = "closed"
        self._age = 0
        self._trying = False
        self._opened_s = 0.0
        counts.breaker = "closed"

    def permit(self) -> int | None:
        """Allow an attempt: what ``ended`` must be told afterwards; None where nothing may be sent."""
        if self._state == "open" and not self.left_s():
            self._turn("half-open")
        if self._state == "open" or self._trying:
            return None
        self._trying = self._state == "half-open"
        return self._age

    def left_s(self) -> float:
        """Give how long it stays open; 0 where one may try."""
        return max(0.0, self._opened_s + self._cooldown_s - self._clock()) if self._state == "open" else 0.0

    def ended(self, permit: int, *, failed: bool) -> None:
        """Note how an attempt went; what began before the last change of state says nothing of now."""
        if permit != self._age:
            return
        self._in_a_row = self._in_a_row + 1 if failed else 0
        self._seen.append(failed)
        if failed and (self._trying or self._in_a_row >= self._threshold or self._too_many()):
            self._opened_s = self._clock()
            self._turn("open")
        elif self._trying:
            self._turn("closed")

    def _turn(self, state: State) -> None:
        self._state, self._trying, self._age = state, False, self._age + 1
        self._in_a_row = 0
        self._seen.clear()
        self._counts.turned(state)

    def _too_many(self) -> bool:
        if self._share is None or len(self._seen) < (self._seen.maxlen or 0):
            return False
        return self._seen.count(True) >= self._share * len(self._seen)
