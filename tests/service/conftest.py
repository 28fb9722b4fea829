"""A migrated and a seeded database, and a client of the whole stack whose writes are rolled back."""

from __future__ import annotations

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import NullPool

from targets.service.database.engine import UNREACHABLE, orm_work
from targets.service.database.options import Postgres
from targets.service.database.url import for_dialect
from targets.service.main import create_app
from targets.service.migrations import running
from targets.service.repositories.orm.products import OrmProducts
from targets.service.repositories.orm.users import OrmUsers
from targets.service.seed.filling import fill, size_of
from targets.service.settings import Settings
from tests.support.databases import database

SEEDED_ROWS = 400
SEED = 5


@pytest.fixture(scope="session")
def migrated(postgres):
    """Give the URL of a database with the schema and no rows."""
    with database(postgres.url) as url:
        running.upgrade(url)
        yield url


@pytest.fixture(scope="session")
def seeded(postgres):
    """Give the URL of a database with 400 orders; tests read it, or copy it to write."""
    with database(postgres.url) as url:
        fill(url, size_of(SEEDED_ROWS), SEED)
        yield url


@pytest_asyncio.fixture
async def db_connection(migrated):
    """Give a connection in a transaction that is rolled back, whatever was committed within it."""
    engine = create_async_engine(for_dialect(migrated, "asyncpg"), poolclass=NullPool)
    async with engine.connect() as connection:
        outer = await connection.begin()
        yield connection
        await outer.rollback()
    await engine.dispose()


def sessions_on(connection):
    """Give sessions whose commits release a savepoint inside the connection's transaction."""
    return async_sessionmaker(
        connection, class_=AsyncSession, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )


@pytest_asyncio.fixture
async def db_session(db_connection):
    """Give a session to prepare rows with, on the same transaction as the client's."""
    async with sessions_on(db_connection)() as session:
        yield session


@pytest_asyncio.fixture
async def client(db_connection, migrated, monkeypatch):
    """Give a client of the production stack whose work happens in the test's transaction."""
    monkeypatch.setenv("DATABASE_URL", migrated)
    chosen = Postgres()
    app = create_app(Settings(data=chosen))
    sessions = sessions_on(db_connection)
    async with app.router.lifespan_context(app) as state:
        state |= {"work": orm_work(sessions, chosen, OrmUsers), "products": OrmProducts(sessions, UNREACHABLE)}

        async def with_state(scope, receive, send):
            scope["state"] = dict(state)
            await app(scope, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://service") as made:
            yield made
