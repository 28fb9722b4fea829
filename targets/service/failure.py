"""Why a request failed: noted by whoever answers it, read by whoever writes its log lines."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Failure:
    """What is known of one request's failure; it grows while the request is answered."""

    code: str = ""
    """Of the problem that was answered."""
    error: str = ""
    """Type of the exception behind it."""
    recorded: bool = False
    """Whether a log line with the exception has been written already."""


_CURRENT: ContextVar[Failure | None] = ContextVar("failure", default=None)


@contextlib.contextmanager
def noted() -> Iterator[Failure]:
    """Give what the frames and handlers inside note of their request; where nobody asks for it nothing is kept."""
    failure = Failure()
    token = _CURRENT.set(failure)
    try:
        yield failure
    finally:
        _CURRENT.reset(token)


def note(*, code: str = "", error: str = "", recorded: bool = False) -> None:
    """Note what is given; what was noted before and is not given now stays."""
    failure = _CURRENT.get()
    if failure is not None:
        failure.code = code or failure.code
        failure.error = error or failure.error
        failure.recorded = recorded or failure.recorded
