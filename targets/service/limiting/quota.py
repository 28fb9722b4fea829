"""How many requests a client may make, and what was decided of one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    """So many requests in each window; how a window is meant is the algorithm's."""

    limit: int
    window_us: int


class Decision(NamedTuple):
    """What came of one request; instants are µs since 1970 on the clock of whoever decided."""

    allowed: bool
    remaining: int
    """Requests that would be admitted at this instant after this one."""
    now_us: int
    reset_us: int
    """From when on the whole limit is there again, if the client is silent until then."""
    retry_us: int
    """From when on one more request is admitted; after an admitted one ``now_us``, whatever remains."""


class Limiter(Protocol):
    """Counts one request of a client."""

    async def __call__(self, client: str, /) -> Decision:
        """Decide; UnavailableError where the store gives no answer."""


class UnavailableError(Exception):
    """The store gives no answer: for a reason, or None where it is left alone after an earlier error."""

    def __init__(self, reason: str | None) -> None:
        """Keep the reason."""
        super().__init__("the store of the rate limits gives no answer")
        self.reason = reason


Clock = Callable[[], int]
"""µs since 1970."""


def seconds_up(span_us: int) -> int:
    """Give whole seconds, rounded up: whoever waits for them does not come too early."""
    return -(-span_us // SECOND_US)
