"""Events through the table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from targets.service.models import EventBigint, EventUuid4, EventUuid7
from targets.service.repositories.core.execution import Run
from targets.service.repositories.core.tables import table_of
from targets.service.repositories.keys import key_of
from targets.service.repositories.records import Event


class CoreEvents:
    """Events of one connection, in the table of one kind of key."""

    def __init__(self, run: Run, table: type[EventBigint | EventUuid4 | EventUuid7]) -> None:
        """Keep what runs statements; the caller commits."""
        self._run, self._table = run, table_of(table)

    async def add(self, kind: str, payload: dict[str, Any], /) -> Event:
        """Keep an event and give it back with its id."""
        columns = self._table.c
        new = insert(self._table).values(kind=kind, payload=payload).returning(columns.id, columns.created_at)
        event_id, created_at = (await self._run(new)).one()
        return Event(key_of(event_id), kind, created_at)
