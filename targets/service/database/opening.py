"""Open the database as the settings say: one table for each way of access."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from targets.service.database import url
from targets.service.database.backend import Backend
from targets.service.database.options import Postgres

Opening = Callable[[str, Postgres], AbstractAsyncContextManager[Backend]]


@contextlib.asynccontextmanager
async def opened(chosen: Postgres) -> AsyncIterator[Backend]:
    """Open the database at DATABASE_URL and close it; UrlError if the variable is missing or malformed."""
    async with _OPENINGS[chosen.access](url.read(os.environ), chosen) as backend:
        yield backend


def _orm(where: str, chosen: Postgres) -> AbstractAsyncContextManager[Backend]:
    from targets.service.database import engine  # noqa: PLC0415  (plain access pays no SQLAlchemy)

    return engine.opened(where, chosen, engine.orm_parts)


def _core(where: str, chosen: Postgres) -> AbstractAsyncContextManager[Backend]:
    from targets.service.database import engine  # noqa: PLC0415  (plain access pays no SQLAlchemy)

    return engine.opened(where, chosen, engine.core_parts)


def _sqlmodel(where: str, chosen: Postgres) -> AbstractAsyncContextManager[Backend]:
    from targets.service.database import engine  # noqa: PLC0415  (plain access pays no SQLAlchemy)

    return engine.opened(where, chosen, engine.sqlmodel_parts)


def _plain(where: str, chosen: Postgres) -> AbstractAsyncContextManager[Backend]:
    from targets.service.database import plain  # noqa: PLC0415  (SQLAlchemy pays no pool of another)

    return plain.opened(where, chosen)


_OPENINGS: Mapping[str, Opening] = {"orm": _orm, "core": _core, "sqlmodel": _sqlmodel, "plain": _plain}
