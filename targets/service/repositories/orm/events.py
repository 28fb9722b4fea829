"""Events through a session."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from targets.service.models import EventBigint, EventUuid4, EventUuid7
from targets.service.repositories.keys import key_of
from targets.service.repositories.records import Event


class OrmEvents:
    """Events of one session, in the table of one kind of key."""

    def __init__(self, session: AsyncSession, table: type[EventBigint | EventUuid4 | EventUuid7]) -> None:
        """Keep the session, which the caller commits."""
        self._session, self._table = session, table

    async def add(self, kind: str, payload: dict[str, Any], /) -> Event:
        """Keep an event and give it back with its id."""
        event = self._table(kind=kind, payload=payload)
        self._session.add(event)
        await self._session.flush()
        return Event(key_of(event.id), kind, event.created_at)
