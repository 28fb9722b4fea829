"""Migrations: up, down, twice, two at once, and the same tables as the models say."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from targets.service.database.url import for_dialect
from targets.service.migrations import running
from targets.service.models import Base
from tests.support import serving
from tests.support.databases import database, rows

TABLES = "select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version' order by 1"


@pytest.fixture
def empty(postgres):
    """Give the URL of an empty database."""
    with database(postgres.url) as url:
        yield url


def test_up_up_down_up(empty):
    """Without this a second start would fail on its migrations, or a roll-back would be a one-way street."""
    assert running.current(empty) is None
    assert running.upgrade(empty) == running.upgrade(empty) == running.head()
    tables = rows(empty, TABLES)
    assert len(tables) == 8
    assert running.downgrade(empty) is None
    assert rows(empty, TABLES) == []
    assert running.upgrade(empty) == running.current(empty) == running.head()
    assert rows(empty, TABLES) == tables


def test_models_and_migrated_tables_are_the_same(migrated):
    """Without this the models would describe columns or indexes that the database does not have."""
    engine = create_engine(for_dialect(migrated, "psycopg"), poolclass=NullPool)
    options = {"compare_type": True, "compare_server_default": True}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_two_upgrades_at_once_are_harmless(empty):
    """Without this two processes that start together would race for the same tables."""
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(running.upgrade, [empty] * 4)) == {running.head()}


def command(*argv, **variables):
    """Run the module as people do, outside of the repository's folder."""
    return subprocess.run(
        [sys.executable, "-m", "targets.service.migrations", *argv],
        cwd="/",
        env=serving.environment({"PYTHONPATH": str(serving.ROOT), **variables}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_command_needs_an_address_and_no_ini_file(empty):
    """Without this migrations could be run from one folder only, or would fail with a stack trace."""
    assert command("current", DATABASE_URL=empty).stdout == "base\n"
    assert command("upgrade", DATABASE_URL=empty).stdout == f"{running.head()}\n"
    assert command("downgrade", DATABASE_URL=empty).stdout == "base\n"
    refused = command("upgrade", DATABASE_URL="")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("DATABASE_URL: missing")
    unknown = command("upgrade", "9999", DATABASE_URL=empty)
    assert unknown.returncode == 2
    assert "Traceback" not in unknown.stderr
    closed = f"postgresql://me@127.0.0.1:{serving.free_port()}/shop"
    unreachable = command("upgrade", DATABASE_URL=closed)
    assert unreachable.returncode == 2
    assert "Traceback" not in unreachable.stderr
