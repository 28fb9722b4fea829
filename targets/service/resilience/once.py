"""No second attempt."""

from __future__ import annotations

from targets.service.resilience.deadline import Deadline
from targets.service.resilience.policy import Attempt, R


class Once:
    """Whatever comes of it."""

    async def call(self, attempt: Attempt[R], _: Deadline) -> R:
        """Try once."""
        return await attempt()
