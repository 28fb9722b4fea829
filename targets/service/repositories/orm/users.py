"""Users through a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from targets.service import models
from targets.service.repositories.actors import SERVICE
from targets.service.repositories.orm.records import user_record
from targets.service.repositories.records import User


class OrmUsers:
    """Users of one session."""

    def __init__(self, session: AsyncSession) -> None:
        """Keep the session, which the caller commits."""
        self._session = session

    async def get(self, user_id: int, /) -> User | None:
        """Give the user, or None."""
        user = await self._session.scalar(_by_id(user_id))
        return None if user is None else user_record(user)

    async def after(self, user_id: int, limit: int, /) -> Sequence[User]:
        """Give up to ``limit`` users with a higher id, in order."""
        live = select(models.User).where(models.User.deleted_at.is_(None), models.User.id > user_id)
        users = await self._session.scalars(live.order_by(models.User.id).limit(limit))
        return [user_record(user) for user in users]

    async def add(self, email: str, name: str, /) -> User:
        """Keep a new user."""
        user = models.User(email=email, name=name)
        self._session.add(user)
        await self._session.flush()
        return user_record(user)

    async def change(self, user_id: int, changes: Mapping[str, Any], /) -> User | None:
        """Set what is named; None if there is no such user."""
        user = await self._session.scalar(_by_id(user_id).with_for_update())
        if user is None:
            return None
        for name, value in changes.items():
            setattr(user, name, value)
        user.updated_at, user.updated_by = func.now(), SERVICE
        await self._session.flush()
        return user_record(user)

    async def remove(self, user_id: int, /) -> bool:
        """Mark the user as deleted; False if there was none."""
        user = await self._session.scalar(_by_id(user_id).with_for_update())
        if user is None:
            return False
        user.deleted_at = user.updated_at = func.now()
        user.updated_by = SERVICE
        await self._session.flush()
        return True


def _by_id(user_id: int) -> Select[models.User]:
    return select(models.User).where(models.User.id == user_id, models.User.deleted_at.is_(None))
