"""Databases of one server: made for a test, dropped after it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql


@contextlib.contextmanager
def database(server: str, template: str | None = None) -> Iterator[str]:
    """Give the URL of a new database, a copy of the template's if there is one; nobody may be connected to that."""
    name = f"test_{uuid4().hex[:12]}"
    source = "template0" if template is None else urlsplit(template).path.removeprefix("/")
    with psycopg.connect(server, autocommit=True) as connection:
        make = sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(source))
        connection.execute(make)
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def rows(url: str, text: str) -> list[tuple]:
    """Run one statement and give its rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(text)
        return cursor.fetchall() if cursor.description else []
