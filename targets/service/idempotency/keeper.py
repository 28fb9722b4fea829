"""What the frame asks of whoever keeps keys and their answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from targets.service.idempotency.answer import Answer
from targets.service.idempotency.asked import Asked

Process = Callable[[Mapping[str, Any]], Awaitable[Answer]]
"""Lets the application answer, with these entries laid over the request's state."""


@dataclass(frozen=True, slots=True)
class Life:
    """How long a key is answered for, and how long after that it is known to have expired."""

    ttl_s: float
    tombstone_s: float


class Keeper(Protocol):
    """Answers a request with a key: by processing it once, or by what is kept."""

    async def __call__(self, asked: Asked, process: Process, /) -> Answer:
        """Give the answer; a Problem where the rules refuse, or where keys cannot be kept."""

    async def report(self) -> Mapping[str, int]:
        """Count ``answers`` that are replayed, ``tombstones`` of expired keys, and the ``bytes`` of both."""

    async def age(self, seconds: float, /) -> None:
        """Let all keys grow older at once: the instrument waits for nothing."""

    async def purge(self) -> int:
        """Drop what is no longer needed; the number of keys dropped.  Somebody must call it now and then."""
