"""Users through the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, insert, select, update

from targets.service import models
from targets.service.repositories.actors import SERVICE
from targets.service.repositories.core.execution import Run
from targets.service.repositories.core.tables import table_of
from targets.service.repositories.records import User

_USERS = table_of(models.User)
_COLUMNS = (_USERS.c.id, _USERS.c.email, _USERS.c.name, _USERS.c.created_at, _USERS.c.updated_at)
_LIVE = _USERS.c.deleted_at.is_(None)


class CoreUsers:
    """Users of one connection."""

    def __init__(self, run: Run) -> None:
        """Keep what runs statements; the caller commits."""
        self._run = run

    async def get(self, user_id: int, /) -> User | None:
        """Give the user, or None."""
        row = (await self._run(select(*_COLUMNS).where(_USERS.c.id == user_id, _LIVE))).one_or_none()
        return None if row is None else User(*row)

    async def after(self, user_id: int, limit: int, /) -> Sequence[User]:
        """Give up to ``limit`` users with a higher id, in order."""
        live = select(*_COLUMNS).where(_LIVE, _USERS.c.id > user_id)
        return [User(*row) for row in await self._run(live.order_by(_USERS.c.id).limit(limit))]

    async def add(self, email: str, name: str, /) -> User:
        """Keep a new user."""
        return User(*(await self._run(insert(_USERS).values(email=email, name=name).returning(*_COLUMNS))).one())

    async def change(self, user_id: int, changes: Mapping[str, Any], /) -> User | None:
        """Set what is named; None if there is no such user."""
        changed = (
            update(_USERS)
            .where(_USERS.c.id == user_id, _LIVE)
            .values(**changes, updated_at=func.now(), updated_by=SERVICE)
        )
        row = (await self._run(changed.returning(*_COLUMNS))).one_or_none()
        return None if row is None else User(*row)

    async def remove(self, user_id: int, /) -> bool:
        """Mark the user as deleted; False if there was none."""
        gone = (
            update(_USERS)
            .where(_USERS.c.id == user_id, _LIVE)
            .values(deleted_at=func.now(), updated_at=func.now(), updated_by=SERVICE)
        )
        return (await self._run(gone)).rowcount > 0
