"""How a call to another service can fail, and whether it is worth another attempt."""

from __future__ import annotations

from typing import Literal

Kind = Literal["connection", "time-out", "busy", "status", "refused", "answer", "deadline", "open"]
"""No connection, or one that broke; no answer in time; no connection free, or turned away there; a status that speaks
of a failure there (5xx), or of the request (4xx); an answer that cannot be read; the whole call's time is up; the
circuit is open, nothing was sent."""


class CallError(Exception):
    """An attempt failed, or the whole call did; ``again`` tells whether another attempt may fare better."""

    def __init__(self, kind: Kind, detail: str, *, again: bool = False, retry_after_s: float | None = None) -> None:
        """Keep what is known; ``retry_after_s`` where somebody said when to come again."""
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.again = again
        self.retry_after_s = retry_after_s


def worth_another(error: BaseException) -> bool:
    """Tell whether to try again."""
    return isinstance(error, CallError) and error.again
