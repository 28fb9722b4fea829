"""Attempts through tenacity: what its strategies share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    stop_never,
)

from targets.service.resilience.deadline import Deadline
from targets.service.resilience.failures import worth_another
from targets.service.resilience.policy import Attempt, R

Stop = Callable[[RetryCallState], bool]


class Tenacious:
    """Tries again after the pauses of ``wait``, at most ``attempts`` times in all.

    ``refuses`` is asked last, and only where a retry would follow.
    """

    def __init__(self, attempts: int, wait: Any, refuses: Stop | None = None) -> None:
        """Keep what does not change from call to call."""
        self._attempts = stop_after_attempt(attempts)
        self._wait = wait
        self._refuses = refuses

    async def call(self, attempt: Attempt[R], deadline: Deadline) -> R:
        """Try until it works, the attempts are used up, or a pause would outlast the deadline."""
        left_s = deadline.left_s()
        in_time = stop_never if left_s is None else stop_before_delay(left_s)

        def stop(state: RetryCallState) -> bool:
            return self._attempts(state) or in_time(state) or (self._refuses is not None and self._refuses(state))

        again = AsyncRetrying(stop=stop, wait=self._wait, retry=retry_if_exception(worth_another), reraise=True)
        return await again(attempt)
