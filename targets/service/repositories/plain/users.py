"""Users through SQL texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from targets.service.repositories.plain.execution import Sql
from targets.service.repositories.records import User


class PlainUsers:
    """Users of one connection."""

    def __init__(self, sql: Sql) -> None:
        """Keep the connection."""
        self._sql = sql

    async def get(self, user_id: int, /) -> User | None:
        """Give the user, or None."""
        text = "select id, email, name, created_at, updated_at from users where id = $1 and deleted_at is null"
        return _first(await self._sql.fetch(text, user_id))

    async def after(self, user_id: int, limit: int, /) -> Sequence[User]:
        """Give up to ``limit`` users with a higher id, in order."""
        text = (
            "select id, email, name, created_at, updated_at from users"
            " where deleted_at is null and id > $1::bigint order by id limit $2::bigint"
        )
        return [User(*row) for row in await self._sql.fetch(text, user_id, limit)]

    async def add(self, email: str, name: str, /) -> User:
        """Keep a new user."""
        text = "insert into users (email, name) values ($1, $2) returning id, email, name, created_at, updated_at"
        (row,) = await self._sql.fetch(text, email, name)
        return User(*row)

    async def change(self, user_id: int, changes: Mapping[str, Any], /) -> User | None:
        """Set what is named; None if there is no such user."""
        text = (
            "update users set email = coalesce($2::text, email), name = coalesce($3::text, name),"
            " updated_at = now(), updated_by = 'service'"
            " where id = $1 and deleted_at is null returning id, email, name, created_at, updated_at"
        )
        return _first(await self._sql.fetch(text, user_id, changes.get("email"), changes.get("name")))

    async def remove(self, user_id: int, /) -> bool:
        """Mark the user as deleted; False if there was none."""
        text = (
            "update users set deleted_at = now(), updated_at = now(), updated_by = 'service'"
            " where id = $1 and deleted_at is null returning id"
        )
        return bool(await self._sql.fetch(text, user_id))


def _first(rows: Sequence[Sequence[Any]]) -> User | None:
    return User(*rows[0]) if rows else None
