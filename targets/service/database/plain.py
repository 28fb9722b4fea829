"""The database through a driver alone: its pool, SQL texts, no SQLAlchemy."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager

from targets.service.database.backend import Backend, Counter, Open
from targets.service.database.errors import translated
from targets.service.database.options import Postgres
from targets.service.database.pool import Pool
from targets.service.repositories.plain.events import INSERTS, PlainEvents
from targets.service.repositories.plain.orders import PlainOrders
from targets.service.repositories.plain.products import PlainProducts
from targets.service.repositories.plain.users import PlainUsers
from targets.service.repositories.plain.windows import BEYOND
from targets.service.repositories.row_loading import ROW_LOADINGS
from targets.service.repositories.row_orders import RowOrders
from targets.service.repositories.stored import Work


@contextlib.asynccontextmanager
async def opened(url: str, chosen: Postgres) -> AsyncIterator[Backend]:
    """Make the pool and close it; no connection is opened before a request needs one."""
    statements = Counter()
    async with _POOLS[chosen.driver](url, chosen, statements) as pool:
        products = PlainProducts(pool.connect, pool.unreachable)
        yield Backend(plain_work(pool, chosen), products, lambda: _ping(pool), statements, pool.report)


def plain_work(pool: Pool, chosen: Postgres) -> Open:
    """Give what opens the work of one request on one connection."""
    loading, beyond, insert = ROW_LOADINGS[chosen.loading], BEYOND[chosen.cursor_key], INSERTS[chosen.keys]

    @contextlib.asynccontextmanager
    async def work() -> AsyncIterator[Work]:
        with translated(pool.unreachable):
            async with pool.connect() as sql:
                yield Work(PlainUsers(sql), RowOrders(PlainOrders(sql, beyond), loading), PlainEvents(sql, insert))

    return work


async def _ping(pool: Pool) -> None:
    async with pool.connect() as sql:
        await sql.fetch("select 1")


def _asyncpg(url: str, chosen: Postgres, statements: Counter) -> AbstractAsyncContextManager[Pool]:
    from targets.service.database import plain_asyncpg  # noqa: PLC0415  (the other driver pays nothing)

    return plain_asyncpg.opened(url, chosen, statements)


def _psycopg(url: str, chosen: Postgres, statements: Counter) -> AbstractAsyncContextManager[Pool]:
    from targets.service.database import plain_psycopg  # noqa: PLC0415  (the other driver pays nothing)

    return plain_psycopg.opened(url, chosen, statements)


_POOLS: Mapping[str, Callable[[str, Postgres, Counter], AbstractAsyncContextManager[Pool]]] = {
    "asyncpg": _asyncpg,
    "psycopg": _psycopg,
}
