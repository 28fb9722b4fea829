"""Who a request is: its own id and the id of the trace it belongs to."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import uuid4

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~:/+=-]{1,128}")
"""What is taken over from a client: nothing that could break a header or a log line."""

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Correlation:
    """The ids of one request; ``traceparent`` is None where the client sent none that is valid."""

    request_id: str
    trace_id: str
    traceparent: str | None


CURRENT: ContextVar[Correlation | None] = ContextVar("correlation", default=None)
"""The request that the running task answers; log lines read it."""


def read_correlation(request_id: str | None, traceparent: str | None) -> Correlation:
    """Take over what is valid (W3C Trace Context for traceparent) and make up the rest."""
    known = request_id if request_id is not None and _REQUEST_ID.fullmatch(request_id) else str(uuid4())
    trace = None if traceparent is None else _TRACEPARENT.fullmatch(traceparent)
    if trace is None:
        return Correlation(known, known, None)
    return Correlation(known, trace.group(1), traceparent)


def trace_id() -> str:
    """Give the id that joins an answer to its log lines; a new one where correlation is off."""
    current = CURRENT.get()
    return uuid4().hex if current is None else current.trace_id
