"""What a log is here: a function of level, event and fields."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from targets.service.correlation import CURRENT

Emit = Callable[[int, str, Mapping[str, Any]], None]
"""level (as in logging), event, fields."""


def stamped(level: int, event: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Join a line's fields with time, severity (Cloud Logging's name for the level) and the request's ids."""
    line: dict[str, Any] = {
        "timestamp": datetime.now(UTC).isoformat(),
        "severity": logging.getLevelName(level),
        "event": event,
    }
    current = CURRENT.get()
    if current is not None:
        line |= {"request_id": current.request_id, "trace_id": current.trace_id}
    return line | dict(fields)


def readable(level: int, event: str, fields: Mapping[str, Any]) -> str:
    """Write a line for people: stack traces on lines of their own."""
    line = stamped(level, event, fields)
    stack = line.pop("stack", "")
    rest = " ".join(f"{name}={value}" for name, value in line.items() if name not in {"timestamp", "event"})
    return f"{line['timestamp']} {event} {rest}" + (f"\n{stack}" if stack else "")


def emit_warnings_to_stderr(level: int, event: str, fields: Mapping[str, Any]) -> None:
    """Write warnings and worse to stderr: with logging off, failures still leave a trace."""
    if level >= logging.WARNING:
        sys.stderr.write(readable(level, event, fields) + "\n")
        sys.stderr.flush()
