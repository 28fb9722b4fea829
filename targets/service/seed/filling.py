"""Fill a database: one transaction, indexes and constraints built after the rows."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg
from psycopg import sql

from targets.service.migrations import running
from targets.service.seed import texts

TABLES = ("users", "products", "orders", "order_lines")

_MEMORY = "256MB"
"""For hashes and sorts of the fill; the server's own default of 4 MB would spill to disk."""


class NotEmptyError(Exception):
    """The database holds orders already."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows are made; the number of lines follows from the orders."""

    orders: int
    users: int
    products: int


@dataclass(frozen=True, slots=True)
class Filled:
    """What was made, and how long it took with migrations, indexes, vacuum and checkpoint."""

    orders: int
    order_lines: int
    users: int
    products: int
    seconds: float


def size_of(orders: int, users: int | None = None, products: int | None = None) -> Size:
    """Give the size for a number of orders: a user for a hundred orders, ten thousand products."""
    return Size(orders, users or max(100, orders // 100), products or min(10_000, max(100, orders // 10)))


def fill(url: str, size: Size, seed: int) -> Filled:
    """Migrate to the head and fill; NotEmptyError if there are orders already, psycopg.Error as the server says."""
    start = time.perf_counter()
    running.upgrade(url)
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            counts = _fill(connection, size, seed)
        _settle(connection)
    seconds = round(time.perf_counter() - start, 3)
    return Filled(counts["orders"], counts["order_lines"], counts["users"], counts["products"], seconds)


def _fill(connection: psycopg.Connection, size: Size, seed: int) -> dict[str, int]:
    names = sql.SQL(", ").join(map(sql.Identifier, TABLES))
    connection.execute(sql.SQL("lock table {} in access exclusive mode").format(names))
    if connection.execute("select exists (select from orders)").fetchone() == (True,):
        raise NotEmptyError("The table orders has rows already: drop the database, or take another one.")
    for name in ("work_mem", "maintenance_work_mem"):
        connection.execute("select set_config(%s, %s, true)", (name, _MEMORY))
    # Empty tables that this transaction truncates are written without a log where wal_level is minimal.
    connection.execute(sql.SQL("truncate {} restart identity").format(names))
    rebuild = _drop_indexes(connection)
    values = {"rows": size.orders, "users": size.users, "products": size.products, "seed": seed}
    for text in texts.FILLS:
        connection.execute(text, values)
    for statement in rebuild:
        connection.execute(statement)
    return {table: _set_identity(connection, table) for table in TABLES}


def _drop_indexes(connection: psycopg.Connection) -> list[sql.Composed]:
    """Drop every key and index of the tables; gives the statements that build them again, in order."""
    constraints = connection.execute(texts.CONSTRAINTS, {"tables": list(TABLES)}).fetchall()
    indexes = connection.execute(texts.INDEXES, {"tables": list(TABLES)}).fetchall()
    for table, name, _ in reversed(constraints):
        drop = sql.SQL("alter table {} drop constraint {}")
        connection.execute(drop.format(sql.Identifier(table), sql.Identifier(name)))
    for name, _ in indexes:
        connection.execute(sql.SQL("drop index {}").format(sql.Identifier(name)))
    add = sql.SQL("alter table {} add constraint {} {}")
    # The definitions are PostgreSQL's own spelling of what it just had.
    keys = [
        add.format(sql.Identifier(table), sql.Identifier(name), sql.SQL(definition))
        for table, name, definition in constraints
    ]
    return [*keys, *(sql.Composed([sql.SQL(definition)]) for _, definition in indexes)]


def _set_identity(connection: psycopg.Connection, table: str) -> int:
    """Let the next row get the number after the last; gives the number of rows, which is the last."""
    text = "select setval(pg_get_serial_sequence({}, 'id'), coalesce(max(id), 1), max(id) is not null), max(id) from {}"
    row = connection.execute(sql.SQL(text).format(sql.Literal(table), sql.Identifier(table))).fetchone()
    return 0 if row is None or row[1] is None else int(row[1])


def _settle(connection: psycopg.Connection) -> None:
    """Leave nothing to do in the background: statistics, visibility map, dirty pages."""
    connection.execute(sql.SQL("vacuum (analyze) {}").format(sql.SQL(", ").join(map(sql.Identifier, TABLES))))
    try:
        connection.execute("checkpoint")
    except psycopg.errors.InsufficientPrivilege:
        # A checkpoint is the administrator's right; without it the next one comes by itself.
        return
