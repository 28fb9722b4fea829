"""Users through SQLModel: the table class is the pydantic model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, ScalarResult, Text, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from targets.service.repositories.actors import SERVICE
from targets.service.repositories.records import User


class UserRow(SQLModel, table=True):
    """A row of users; indexes and who made it belong to the model that migrations compare."""

    __tablename__: ClassVar[Any] = "users"
    # A registry of its own: the models' metadata has a table of this name already.
    metadata: ClassVar[MetaData] = MetaData()
    __mapper_args__: ClassVar[dict[str, bool]] = {"eager_defaults": True}

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    email: str
    name: str
    created_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=func.now(), nullable=False)
    )
    updated_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), server_default=func.now(), nullable=False)
    )
    updated_by: str | None = Field(default=None, sa_column=Column(Text, server_default=SERVICE, nullable=False))
    deleted_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))


class SqlmodelUsers:
    """Users of one session, which must be made over SQLModel's own.

    SQLModel's asynchronous session would warn of each call of ``execute``, which the other repositories make.
    """

    def __init__(self, session: AsyncSession) -> None:
        """Keep the session, which the caller commits."""
        self._session = session

    async def get(self, user_id: int, /) -> User | None:
        """Give the user, or None."""
        row = await self._one(_by_id(user_id))
        return None if row is None else _record(row)

    async def after(self, user_id: int, limit: int, /) -> Sequence[User]:
        """Give up to ``limit`` users with a higher id, in order."""
        live = select(UserRow).where(col(UserRow.deleted_at).is_(None), col(UserRow.id) > user_id)
        statement = live.order_by(col(UserRow.id)).limit(limit)
        return [_record(row) for row in await self._session.run_sync(lambda session: _exec(session, statement).all())]

    async def add(self, email: str, name: str, /) -> User:
        """Keep a new user."""
        row = UserRow(email=email, name=name)
        self._session.add(row)
        await self._session.flush()
        return _record(row)

    async def change(self, user_id: int, changes: Mapping[str, Any], /) -> User | None:
        """Set what is named; None if there is no such user."""
        row = await self._one(_by_id(user_id).with_for_update())
        if row is None:
            return None
        row.sqlmodel_update({**changes, "updated_at": func.now(), "updated_by": SERVICE})
        await self._session.flush()
        return _record(row)

    async def remove(self, user_id: int, /) -> bool:
        """Mark the user as deleted; False if there was none."""
        row = await self._one(_by_id(user_id).with_for_update())
        if row is None:
            return False
        row.sqlmodel_update({"deleted_at": func.now(), "updated_at": func.now(), "updated_by": SERVICE})
        await self._session.flush()
        return True

    async def _one(self, statement: SelectOfScalar[UserRow]) -> UserRow | None:
        return await self._session.run_sync(lambda session: _exec(session, statement).one_or_none())


def _exec(session: object, statement: SelectOfScalar[UserRow]) -> ScalarResult[UserRow]:
    if not isinstance(session, Session):
        raise TypeError("the session must be made over sqlmodel.Session")
    return session.exec(statement)


def _by_id(user_id: int) -> SelectOfScalar[UserRow]:
    return select(UserRow).where(col(UserRow.id) == user_id, col(UserRow.deleted_at).is_(None))


def _record(row: UserRow) -> User:
    if row.id is None or row.created_at is None or row.updated_at is None:
        raise ValueError("the row was not flushed")
    return User(row.id, row.email, row.name, row.created_at, row.updated_at)
