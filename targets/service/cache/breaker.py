"""After an error the level is left alone for a while; then one request tries, and the others go on without it."""

from __future__ import annotations

from targets.service.cache.entry import Clock


class Breaker:
    """Says whether a level may be asked."""

    def __init__(self, clock: Clock, pause_s: float) -> None:
        """Start with trust."""
        self._clock = clock
        self._pause_s = pause_s
        self._until_s: float | None = None

    def allows(self) -> bool:
        """Tell whether to ask now; of those who come after the pause only the first may, until it has failed."""
        if self._until_s is None:
            return True
        now_s = self._clock()
        if now_s < self._until_s:
            return False
        self._until_s = now_s + self._pause_s
        return True

    def failed(self) -> None:
        """Leave the level alone from now on."""
        self._until_s = self._clock() + self._pause_s

    def worked(self) -> None:
        """Trust the level again."""
        self._until_s = None
