"""SQLAlchemy's engine of one process, and the backends over it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from sqlalchemy import event, exc, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from targets.service.database.backend import Backend, Counter, Open
from targets.service.database.errors import translated
from targets.service.database.options import Postgres
from targets.service.database.url import for_dialect
from targets.service.models import EVENTS
from targets.service.repositories.core.events import CoreEvents
from targets.service.repositories.core.execution import Connected
from targets.service.repositories.core.orders import CoreOrders
from targets.service.repositories.core.products import CoreProducts
from targets.service.repositories.core.users import CoreUsers
from targets.service.repositories.orm.events import OrmEvents
from targets.service.repositories.orm.loading import LOADINGS
from targets.service.repositories.orm.orders import OrmOrders
from targets.service.repositories.orm.products import OrmProducts
from targets.service.repositories.orm.users import OrmUsers
from targets.service.repositories.places import BEYOND
from targets.service.repositories.products import Products
from targets.service.repositories.row_loading import ROW_LOADINGS
from targets.service.repositories.row_orders import RowOrders
from targets.service.repositories.stored import Users, Work

UNREACHABLE = (exc.TimeoutError, exc.OperationalError, exc.InterfaceError)
"""Errors without a SQLSTATE that mean: no connection."""

Parts = tuple[Open, Products]

_ARGUMENTS: Mapping[str, Callable[[float], dict[str, Any]]] = {
    "asyncpg": lambda timeout_s: {
        "timeout": timeout_s,
        "server_settings": {"timezone": "UTC", "application_name": "service"},
    },
    "psycopg": lambda timeout_s: {
        "connect_timeout": math.ceil(timeout_s),
        "options": "-c timezone=UTC",
        "application_name": "service",
    },
}
"""How each driver is told to speak UTC, and how long a new connection may take."""


@contextlib.asynccontextmanager
async def opened(url: str, chosen: Postgres, parts: Callable[[AsyncEngine, Postgres], Parts]) -> AsyncIterator[Backend]:
    """Make the engine and dispose of it; no connection is opened before a request needs one."""
    engine = create_async_engine(
        for_dialect(url, chosen.driver),
        pool_size=chosen.pool_size,
        max_overflow=chosen.max_overflow,
        pool_timeout=chosen.pool_timeout_s,
        pool_pre_ping=chosen.pre_ping,
        pool_recycle=chosen.recycle_s,
        connect_args=_ARGUMENTS[chosen.driver](chosen.pool_timeout_s),
    )
    try:
        statements = counted(engine)
        work, products = parts(engine, chosen)
        yield Backend(work, products, lambda: _ping(engine), statements, lambda: _pool(engine))
    finally:
        await engine.dispose()


def counted(engine: AsyncEngine) -> Counter:
    """Count the statements that the engine sends."""
    counter = Counter()

    def count(*_: Any) -> None:
        counter.value += 1

    event.listen(engine.sync_engine, "before_cursor_execute", count)
    return counter


def orm_parts(engine: AsyncEngine, chosen: Postgres) -> Parts:
    """Give what works through sessions and mapped classes."""
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    return orm_work(sessions, chosen, OrmUsers), OrmProducts(sessions, UNREACHABLE)


def sqlmodel_parts(engine: AsyncEngine, chosen: Postgres) -> Parts:
    """Give the same with users through SQLModel."""
    from sqlmodel import Session  # noqa: PLC0415  (others pay nothing)

    from targets.service.repositories.sqlmodel_users import SqlmodelUsers  # noqa: PLC0415  (others pay nothing)

    sessions = async_sessionmaker(engine, sync_session_class=Session, expire_on_commit=False)
    return orm_work(sessions, chosen, SqlmodelUsers), OrmProducts(sessions, UNREACHABLE)


def orm_work(sessions: async_sessionmaker[Any], chosen: Postgres, users: Callable[[Any], Users]) -> Open:
    """Give what opens the work of one request on one session."""
    loading, beyond, table = LOADINGS[chosen.loading], BEYOND[chosen.cursor_key], EVENTS[chosen.keys]

    @contextlib.asynccontextmanager
    async def work() -> AsyncIterator[Work]:
        with translated(UNREACHABLE):
            session: AsyncSession
            async with sessions() as session:
                orders = OrmOrders(session, loading, beyond)
                yield Work(users(session), orders, OrmEvents(session, table), session.execute)
                await session.commit()

    return work


def core_parts(engine: AsyncEngine, chosen: Postgres) -> Parts:
    """Give what works through connections and tables."""
    loading, beyond, table = ROW_LOADINGS[chosen.loading], BEYOND[chosen.cursor_key], EVENTS[chosen.keys]

    @contextlib.asynccontextmanager
    async def work() -> AsyncIterator[Work]:
        with translated(UNREACHABLE):
            async with contextlib.AsyncExitStack() as stack:
                run = Connected(engine, stack)
                orders = RowOrders(CoreOrders(run, beyond), loading)
                yield Work(CoreUsers(run), orders, CoreEvents(run, table), run)

    return work, CoreProducts(engine, UNREACHABLE)


async def _ping(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("select 1"))


def _pool(engine: AsyncEngine) -> Mapping[str, int]:
    pool = engine.pool
    if not isinstance(pool, AsyncAdaptedQueuePool):
        return {}
    return {"used": pool.checkedout(), "idle": pool.checkedin(), "kept_max": pool.size()}
