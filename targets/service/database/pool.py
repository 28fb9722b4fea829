"""A pool of connections without SQLAlchemy, whichever driver is behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from targets.service.repositories.plain.execution import Sql


@dataclass(frozen=True, slots=True)
class Pool:
    """Gives connections, each taken when its first statement runs and given back when the block ends."""

    connect: Callable[[], AbstractAsyncContextManager[Sql]]
    unreachable: tuple[type[Exception], ...]
    """Errors without a SQLSTATE that mean: no connection."""
    report: Callable[[], Mapping[str, int]]
    """Connections by what they do now."""
