"""L1 in front of L2."""

from __future__ import annotations

from typing import Generic, TypeVar

from targets.service.cache.entry import Entry
from targets.service.cache.level import Cache, Kept

T = TypeVar("T")


class Tiers(Generic[T]):
    """Two caches as one.

    A write clears both levels here, but only L2 for other processes: their L1 may give the old value until its own
    TTL is over, which is short for that reason.
    """

    def __init__(self, near: Cache[T], far: Cache[T]) -> None:
        """Put one in front of the other."""
        self._near = near
        self._far = far

    async def get(self, key: str) -> Entry[T] | None:
        """Give the entry of the nearest level that has it; the near one learns what the far one knew."""
        entry = await self._near.get(key)
        if entry is None:
            entry = await self._far.get(key)
            if entry is not None:
                await self._near.set(key, entry)
        return entry

    async def set(self, key: str, entry: Entry[T]) -> Kept:
        """Keep the entry in both, the far one first; what that one refuses is too old for the near one as well."""
        kept = await self._far.set(key, entry)
        if kept is not Kept.REFUSED:
            await self._near.set(key, entry)
        return kept

    async def delete(self, key: str, version: int | None) -> bool:
        """Forget the entry in both; in the near one last, else a reader could copy it back from the far one."""
        try:
            return await self._far.delete(key, version)
        finally:
            await self._near.delete(key, version)
