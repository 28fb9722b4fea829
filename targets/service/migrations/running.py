"""Alembic without an alembic.ini: the configuration is built here, the database comes from the caller."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from targets.service.database.url import for_dialect

_FOLDER = Path(__file__).parent
_LOCK = 7_341_902_551
"""Number of the advisory lock that keeps two upgrades from running at once."""


def upgrade(url: str, revision: str = "head") -> str | None:
    """Migrate up to the revision; harmless if it is there already. Gives the revision reached."""
    return _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str = "base") -> str | None:
    """Migrate down to the revision. Gives the revision reached; None for an empty database."""
    return _run(url, lambda config: command.downgrade(config, revision))


def current(url: str) -> str | None:
    """Give the database's revision; None if it has none."""
    engine = create_engine(for_dialect(url, "psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        return _revision(connection)


def head() -> str | None:
    """Give the newest revision that the code knows."""
    return ScriptDirectory(str(_FOLDER)).get_current_head()


def _run(url: str, act: Callable[[Config], None]) -> str | None:
    engine = create_engine(for_dialect(url, "psycopg"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:number)"), {"number": _LOCK})
        act(_config(connection))
        return _revision(connection)


def _config(connection: Connection) -> Config:
    config = Config()
    # Percent signs would be read as interpolation.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
