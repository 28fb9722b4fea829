"""What can be done with quotes, and how the upstream's failures are told."""

from __future__ import annotations

import math

from targets.service.problems import Problem
from targets.service.resilience.failures import CallError, Kind
from targets.service.upstream.attempt import Quote
from targets.service.upstream.quotes import Quotes

TOLD: dict[Kind, tuple[int, str]] = {
    "connection": (502, "upstream-failed"),
    "status": (502, "upstream-failed"),
    "refused": (502, "upstream-failed"),
    "answer": (502, "upstream-failed"),
    "time-out": (504, "upstream-timed-out"),
    "deadline": (504, "deadline-exceeded"),
    "busy": (503, "upstream-busy"),
    "open": (503, "circuit-open"),
}
"""RFC 9110, section 15.6: 502 for an invalid answer, 504 for none in time, 503 for a state that will pass."""


async def read_quote(quotes: Quotes, quote_id: int, caller_ms: float | None) -> Quote:
    """Give the quote; a Problem 502, 503 or 504 where there is none."""
    try:
        return await quotes.get(quote_id, caller_ms)
    except CallError as error:
        raise _told(error) from error


def _told(error: CallError) -> Problem:
    status, code = TOLD[error.kind]
    problem = Problem(status, code, f"The upstream gave no quote. {error.detail}")
    if error.retry_after_s is not None:
        # Whole seconds, at least one: 0 would invite everybody at once.
        problem.headers = {"Retry-After": str(max(1, math.ceil(error.retry_after_s)))}
    return problem
