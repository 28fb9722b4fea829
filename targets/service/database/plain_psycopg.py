"""psycopg alone: a small pool, and statements with $1.

Not psycopg_pool: where the database is down, it tries again in the background and lets each request wait for the whole
time-out (3.0 s of 3 with version 3.3.3, port closed), while every other way of access here says 503 at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor
from psycopg.pq import TransactionStatus

from targets.service.database.backend import Counter
from targets.service.database.options import Postgres
from targets.service.database.pool import Pool
from targets.service.repositories.folding import Row

UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError)
"""Errors without a SQLSTATE that mean: no connection."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """A connection with its age."""

    connection: AsyncConnection[Any]
    born_s: float


class Connections:
    """Up to ``pool_size`` idle connections, the last used first; ``max_overflow`` more for a moment."""

    def __init__(self, url: str, chosen: Postgres) -> None:
        """Start empty."""
        self._url, self._chosen = url, chosen
        self._places = asyncio.Semaphore(chosen.pool_size + chosen.max_overflow)
        self._idle: list[Pooled] = []
        self._used = 0

    async def acquire(self) -> Pooled:
        """Take a connection; TimeoutError if none is free in time, psycopg.OperationalError if none can be made."""
        await asyncio.wait_for(self._places.acquire(), self._chosen.pool_timeout_s)
        self._used += 1
        try:
            while self._idle:
                pooled = self._idle.pop()
                if await self._usable(pooled):
                    return pooled
                await pooled.connection.close()
            return await self._made()
        except BaseException:
            self._leave()
            raise

    async def release(self, pooled: Pooled) -> None:
        """Give a connection back; one that is broken, or one too many, is closed."""
        connection = pooled.connection
        clean = not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE
        try:
            if clean and len(self._idle) < self._chosen.pool_size:
                self._idle.append(pooled)
            else:
                await connection.close()
        finally:
            self._leave()

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop().connection.close()

    def report(self) -> Mapping[str, int]:
        """Tell connections by what they do now."""
        return {"used": self._used, "idle": len(self._idle), "kept_max": self._chosen.pool_size}

    def _leave(self) -> None:
        self._used -= 1
        self._places.release()

    async def _made(self) -> Pooled:
        connection = await AsyncConnection.connect(
            self._url,
            autocommit=True,
            cursor_factory=AsyncRawCursor,
            connect_timeout=math.ceil(self._chosen.pool_timeout_s),
            options="-c timezone=UTC",
            application_name="service",
        )
        return Pooled(connection, time.monotonic())

    async def _usable(self, pooled: Pooled) -> bool:
        if pooled.connection.closed or -1 < self._chosen.recycle_s < time.monotonic() - pooled.born_s:
            return False
        if self._chosen.pre_ping:
            try:
                await pooled.connection.execute("select 1")
            except psycopg.Error:
                return False
        return True


class PsycopgSql:
    """Statements on one connection of the pool."""

    def __init__(self, pool: Connections, stack: AsyncExitStack, statements: Counter) -> None:
        """Keep the pool; ``stack`` gives the connection back."""
        self._pool, self._stack, self._statements = pool, stack, statements
        self._connection: AsyncConnection[Any] | None = None

    async def fetch(self, text: str, /, *values: Any) -> Sequence[Row]:
        """Give the rows; after five times psycopg prepares the statement."""
        connection = await self._connected()
        self._statements.value += 1
        cursor = await connection.execute(text.encode(), values or None)
        return await cursor.fetchall() if cursor.description else ()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Keep all statements of the block or none."""
        async with (await self._connected()).transaction():
            yield

    async def _connected(self) -> AsyncConnection[Any]:
        if self._connection is None:
            pooled = await self._pool.acquire()
            self._stack.push_async_callback(self._pool.release, pooled)
            self._connection = pooled.connection
        return self._connection


@contextlib.asynccontextmanager
async def opened(url: str, chosen: Postgres, statements: Counter) -> AsyncIterator[Pool]:
    """Make the pool and close it."""
    pool = Connections(url, chosen)

    @contextlib.asynccontextmanager
    async def connect() -> AsyncIterator[PsycopgSql]:
        async with AsyncExitStack() as stack:
            yield PsycopgSql(pool, stack, statements)

    try:
        yield Pool(connect, UNREACHABLE, pool.report)
    finally:
        await pool.close()
