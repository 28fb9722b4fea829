"""What the database's errors mean to a client: mapped once, here, by SQLSTATE."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from targets.service.problems import Problem

_UNAVAILABLE = (503, "database-unavailable", "The database cannot be reached or is busy; try again later.")
_CONFLICT = (409, "already-exists", "There is a row with the same unique value already.")
_UNKNOWN = (422, "unknown-reference", "The request refers to a row that does not exist.")
_UNFIT = (422, "unfit-value", "The request holds a value that the database cannot keep.")

_BY_STATE: Mapping[str, tuple[int, str, str]] = {"23505": _CONFLICT, "23503": _UNKNOWN}

_BY_CLASS: Mapping[str, tuple[int, str, str]] = {
    "08": _UNAVAILABLE,  # connection exceptions
    "22": _UNFIT,  # data exceptions: NUL in a text, a number out of range
    "25": _UNAVAILABLE,  # a transaction that a read-only standby or a time-out ended
    "28": _UNAVAILABLE,  # the server refuses the service's own name or password
    "3D": _UNAVAILABLE,  # the database itself is missing
    "40": _UNAVAILABLE,  # deadlock or serialization failure: the same request may succeed
    "53": _UNAVAILABLE,  # too many connections, disk full
    "55": _UNAVAILABLE,  # lock not available
    "57": _UNAVAILABLE,  # shutting down, cancelled by a time-out
}


@contextlib.contextmanager
def translated(unreachable: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn the database's errors into Problems; ``unreachable`` are those of a driver without a SQLSTATE."""
    try:
        yield
    except Problem:
        raise
    except Exception as error:
        meaning = _meaning(error, unreachable)
        if meaning is None:
            raise
        raise Problem(*meaning) from error


def _meaning(error: Exception, unreachable: tuple[type[Exception], ...]) -> tuple[int, str, str] | None:
    # SQLAlchemy keeps the driver's own error in ``orig``.
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    if isinstance(state, str):
        return _BY_STATE.get(state) or _BY_CLASS.get(state[:2])
    return _UNAVAILABLE if isinstance(error, (OSError, *unreachable)) else None
