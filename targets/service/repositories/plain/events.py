"""Events through SQL texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from targets.service.repositories.keys import key_of
from targets.service.repositories.plain.execution import Sql
from targets.service.repositories.records import Event

INSERTS: Mapping[str, str] = {
    "bigint": "insert into events_bigint (kind, payload) values ($1, $2::text::jsonb) returning id, created_at",
    "uuid4": "insert into events_uuid4 (kind, payload) values ($1, $2::text::jsonb) returning id, created_at",
    "uuid7": "insert into events_uuid7 (kind, payload) values ($1, $2::text::jsonb) returning id, created_at",
}
"""The statement for each kind of key."""


class PlainEvents:
    """Events of one connection, in the table of one kind of key."""

    def __init__(self, sql: Sql, insert: str) -> None:
        """Keep the connection and the statement."""
        self._sql, self._insert = sql, insert

    async def add(self, kind: str, payload: dict[str, Any], /) -> Event:
        """Keep an event and give it back with its id."""
        ((event_id, created_at),) = await self._sql.fetch(self._insert, kind, json.dumps(payload))
        return Event(key_of(event_id), kind, created_at)
