"""asyncpg alone: its own pool and its own statements."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from targets.service.database.backend import Counter
from targets.service.database.options import Postgres
from targets.service.database.pool import Pool
from targets.service.repositories.folding import Row

UNREACHABLE = (asyncpg.InterfaceError,)
"""asyncpg says so of connections and pools that are closed."""

Acquire = Callable[[], Awaitable[Any]]


@contextlib.asynccontextmanager
async def opened(url: str, chosen: Postgres, statements: Counter) -> AsyncIterator[Pool]:
    """Make asyncpg's pool; it starts empty, keeps up to the largest number of connections for 300 s of rest."""
    pool = await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=chosen.pool_size + chosen.max_overflow,
        server_settings={"timezone": "UTC", "application_name": "service"},
    )
    acquire = _acquiring(pool, chosen.pool_timeout_s, pre_ping=chosen.pre_ping)

    @contextlib.asynccontextmanager
    async def connect() -> AsyncIterator[AsyncpgSql]:
        async with AsyncExitStack() as stack:
            yield AsyncpgSql(pool, acquire, stack, statements)

    def report() -> Mapping[str, int]:
        idle = pool.get_idle_size()
        return {"used": pool.get_size() - idle, "idle": idle, "kept_max": chosen.pool_size + chosen.max_overflow}

    try:
        yield Pool(connect, UNREACHABLE, report)
    finally:
        await pool.close()


class AsyncpgSql:
    """Statements on one connection of asyncpg's pool."""

    def __init__(self, pool: Any, acquire: Acquire, stack: AsyncExitStack, statements: Counter) -> None:
        """Keep how a connection is acquired; ``stack`` gives it back."""
        self._pool, self._acquire, self._stack, self._statements = pool, acquire, stack, statements
        self._connection: PoolConnectionProxy[Any] | None = None

    async def fetch(self, text: str, /, *values: Any) -> Sequence[Row]:
        """Give the rows; the statement stays prepared on the connection."""
        connection = await self._connected()
        self._statements.value += 1
        rows: Sequence[Row] = await connection.fetch(text, *values)
        return rows

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Keep all statements of the block or none."""
        async with (await self._connected()).transaction():
            yield

    async def _connected(self) -> PoolConnectionProxy[Any]:
        if self._connection is None:
            self._connection = await self._acquire()
            self._stack.push_async_callback(self._pool.release, self._connection)
        return self._connection


def _acquiring(pool: Any, timeout_s: float, *, pre_ping: bool) -> Acquire:
    async def acquire() -> Any:
        return await pool.acquire(timeout=timeout_s)

    async def acquire_alive() -> Any:
        connection = await acquire()
        try:
            await connection.execute("select 1")
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError):
            # Given back it is dropped, since it is closed by now; the next one is new or tried as well.
            await pool.release(connection)
            return await acquire()
        return connection

    return acquire_alive if pre_ping else acquire
