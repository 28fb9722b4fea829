"""What a cache is: get, set, delete.  None of them raises because of the cache itself."""

from __future__ import annotations

from enum import Enum
from typing import Protocol, TypeVar

from targets.service.cache.entry import Entry

T = TypeVar("T")


class Kept(Enum):
    """What became of a set."""

    KEPT = "kept"
    REFUSED = "refused"
    """Something newer is there."""
    UNREACHED = "unreached"
    """The level gave no answer: what it holds is unknown."""


class Cache(Protocol[T]):
    """Keeps entries for a while."""

    async def get(self, key: str, /) -> Entry[T] | None:
        """Give the entry; None if there is none, it has expired, or the cache cannot be asked."""

    async def set(self, key: str, entry: Entry[T], /) -> Kept:
        """Keep the entry until it expires."""

    async def delete(self, key: str, version: int | None, /) -> bool:
        """Forget what is older than ``version`` (None: whatever is there); False if it could not be reached."""


class Administered(Protocol):
    """What the instrument does to a level from outside."""

    async def expire(self, key: str, /) -> bool:
        """Let a key expire now; False if the level could not be reached."""

    async def clear(self) -> bool:
        """Forget all entries of the namespace; False if the level could not be reached."""


class Level(Cache[T], Administered, Protocol[T]):
    """A cache that the instrument can reach."""
