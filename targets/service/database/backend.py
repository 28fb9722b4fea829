"""The database as the rest of the service sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from targets.service.repositories.products import Products
from targets.service.repositories.stored import Work

Open = Callable[[], AbstractAsyncContextManager[Work]]
"""Opens the work of one request: kept when it ends, undone when it fails."""


@dataclass(slots=True)
class Counter:
    """The number of SQL statements since the start; BEGIN, COMMIT and pre-pings are not among them."""

    value: int = 0


@dataclass(frozen=True, slots=True)
class Backend:
    """One process's way to the database."""

    work: Open
    products: Products
    ping: Callable[[], Awaitable[None]]
    statements: Counter
    pool: Callable[[], Mapping[str, int]]
    """Connections by what they do now."""
