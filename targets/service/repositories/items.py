"""Items in memory, in order of creation time and id."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from targets.service.repositories.records import Item

Key = tuple[datetime, UUID]
"""What items are ordered by; unique, since the id is."""


class ItemRepository:
    """The items of this process; what is written is gone when it ends."""

    def __init__(self, items: Iterable[Item]) -> None:
        """Keep the items by id, and their keys in order."""
        self._items = {item.id: item for item in items}
        self._keys: list[Key] = sorted(key_of(item) for item in self._items.values())

    async def ping(self) -> None:
        """Tell that the items can be read: memory always can."""

    async def get(self, item_id: UUID) -> Item | None:
        """Give the item, or None."""
        return self._items.get(item_id)

    async def count(self) -> int:
        """Give the number of items."""
        return len(self._keys)

    async def all(self) -> Sequence[Item]:
        """Give every item in order."""
        return [self._items[item_id] for _, item_id in self._keys]

    async def after(self, key: Key | None, limit: int) -> Sequence[Item]:
        """Give up to ``limit`` items that follow the key (None: from the first)."""
        start = 0 if key is None else bisect_right(self._keys, key)
        return [self._items[item_id] for _, item_id in self._keys[start : start + limit]]

    async def before(self, key: Key, limit: int) -> Sequence[Item]:
        """Give the up to ``limit`` items that stand right before the key, in order."""
        end = bisect_left(self._keys, key)
        return [self._items[item_id] for _, item_id in self._keys[max(0, end - limit) : end]]

    async def add(self, item: Item) -> None:
        """Keep a new item."""
        self._items[item.id] = item
        insort(self._keys, key_of(item))

    async def replace(self, item: Item) -> None:
        """Keep the new state of a known item; its key does not change."""
        self._items[item.id] = item

    async def remove(self, item_id: UUID) -> bool:
        """Forget the item; False if there was none."""
        item = self._items.pop(item_id, None)
        if item is None:
            return False
        del self._keys[bisect_left(self._keys, key_of(item))]
        return True


def key_of(item: Item) -> Key:
    """Give the place of an item in the order."""
    return (item.created_at, item.id)
