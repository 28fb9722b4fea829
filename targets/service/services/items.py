"""What can be done with items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from targets.service.problems import Problem
from targets.service.repositories.items import ItemRepository, key_of
from targets.service.repositories.records import Dimensions, Item
from targets.service.services.cursors import Cursor, decode, encode


@dataclass(frozen=True, slots=True)
class Meta:
    """Where a page stands."""

    total: int | None
    cursor: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class Links:
    """The neighbours of a page."""

    next: str | None
    prev: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of items."""

    data: Sequence[Item]
    meta: Meta
    links: Links


async def read_item(items: ItemRepository, item_id: UUID) -> Item:
    """Give the item; a 404 Problem if there is none."""
    item = await items.get(item_id)
    if item is None:
        raise Problem(404, "item-not-found", f"There is no item {item_id}.")
    return item


async def list_items(items: ItemRepository, path: str, limit: int, token: str | None) -> Page:
    """Give a page; one row more than ``limit`` is read to know whether there is a neighbour."""
    cursor = decode(token) if token else None
    rows = await _rows(items, cursor, limit + 1)
    backward = cursor is not None and cursor.backward
    more = len(rows) > limit
    shown = (rows[1:] if backward else rows[:limit]) if more else rows
    has_next, has_prev = (True, more) if backward else (more, cursor is not None)
    following = encode(Cursor(key_of(shown[-1]), backward=False)) if shown and has_next else None
    preceding = encode(Cursor(key_of(shown[0]), backward=True)) if shown and has_prev else None
    links = Links(next=_link(path, limit, following), prev=_link(path, limit, preceding))
    return Page(shown, Meta(total=await items.count(), cursor=token, limit=limit), links)


async def _rows(items: ItemRepository, cursor: Cursor | None, limit: int) -> Sequence[Item]:
    if cursor is None:
        return await items.after(None, limit)
    if cursor.backward:
        return await items.before(cursor.key, limit)
    return await items.after(cursor.key, limit)


def _link(path: str, limit: int, token: str | None) -> str | None:
    return None if token is None else f"{path}?{urlencode({'limit': limit, 'cursor': token})}"


async def export_items(items: ItemRepository) -> Page:
    """Give every item at once."""
    rows = await items.all()
    return Page(rows, Meta(total=len(rows), cursor=None, limit=len(rows)), Links(next=None, prev=None))


async def create_item(items: ItemRepository, fields: Mapping[str, Any]) -> Item:
    """Keep a new item and give it back with its id."""
    now = datetime.now(UTC)
    known = dict(fields) | {"tags": tuple(fields["tags"])}
    item = Item(
        id=uuid4(),
        cost=Decimal(0),
        rating=0.0,
        active=True,
        dimensions=Dimensions(0, 0, 0),
        attributes={},
        created_at=now,
        updated_at=now,
        **known,
    )
    await items.add(item)
    return item


async def update_item(items: ItemRepository, item_id: UUID, changes: Mapping[str, Any]) -> Item:
    """Change what is named; a 404 Problem if there is no such item."""
    item = replace(await read_item(items, item_id), **changes, updated_at=datetime.now(UTC))
    await items.replace(item)
    return item


async def delete_item(items: ItemRepository, item_id: UUID) -> None:
    """Forget the item; a 404 Problem if there is none."""
    if not await items.remove(item_id):
        raise Problem(404, "item-not-found", f"There is no item {item_id}.")
