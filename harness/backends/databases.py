"""Databases that the harness makes and marks: seeded templates, and their clones for arms.

Whatever is not marked by its comment is somebody else's, and is never written or dropped.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from msgspec import Struct
from psycopg import sql

from harness.backends.postgres import CONNECT_S, Postgres, safe
from harness.errors import CannotMeasure
from harness.model import App, Target
from harness.runtimes import local

MARK = "service-harness"
"""First word of the comment on every database that the harness made."""

SEED_MODULE = "targets.service.seed"
MIGRATIONS_MODULE = "targets.service.migrations"
SOURCES = ("targets/service/seed*", "targets/service/seed/*", "targets/service/migrations/**/*.py")
"""What a template is made by: where one of these files changes, a new template is made."""

SEED_S = 1800.0
"""Ten million orders took 138 s on two cores (results/evidence/seeding.json)."""

BYTES_PER_ROW = 600
"""Of a template, per order: 535 MB for a million with their lines and indexes (results/evidence/seeding.json), and room
for the log of the fill."""


class Data(Struct, frozen=True):
    """What a database is seeded with: orders, and the seed of their values; 0 rows: migrated and empty."""

    rows: int
    seed: int = 7


def database_url(server: Postgres, name: str) -> str:
    """Address of another database of the server."""
    parts = urlsplit(server.url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{name}", parts.query, ""))


def template(server: Postgres, data: Data, root: Path) -> str:
    """Name of the seeded template, made where it is missing: seconds the first time, nothing afterwards.

    It is filled under another name and renamed when whole, so that a broken fill leaves no half template.
    Raises CannotMeasure with the seed's last words, or where the disk is too small.
    """
    name = f"harness_t_{_identity(server, data, root)}"
    with _maintenance(server) as connection:
        if _marked(connection, name):
            return name
        _room(server, data.rows * BYTES_PER_ROW)
        draft = f"{name}_draft"
        _forget(connection, draft)
        _create(connection, draft, "template1", {"kind": "draft", "rows": data.rows, "seed": data.seed})
        _fill(server, draft, data, root)
        connection.execute(sql.SQL("alter database {} rename to {}").format(_id(draft), _id(name)))
        _comment(connection, name, {"kind": "template", "rows": data.rows, "seed": data.seed})
    return name


def clone(server: Postgres, source: str, label: str, number: int) -> str:
    """Copy a template for one arm or block; returns the address of the copy.  Raises CannotMeasure."""
    name = f"harness_c_{hashlib.sha256(label.encode()).hexdigest()[:8]}_{number}"
    with _maintenance(server) as connection:
        _forget(connection, name)
        _create(connection, name, source, {"kind": "clone", "session": label, "pid": os.getpid()})
    return database_url(server, name)


def drop(server: Postgres, url: str) -> None:
    """Drop a copy; refuses what the harness did not mark."""
    name = urlsplit(url).path.lstrip("/")
    with _maintenance(server) as connection:
        _forget(connection, name)


def clear(server: Postgres) -> int:
    """Drop copies and half-made templates whose session is gone; returns how many."""
    with _maintenance(server) as connection:
        gone = [name for name, note in _all(connection) if note["kind"] != "template" and not _alive(note.get("pid"))]
        for name in gone:
            _forget(connection, name)
    return len(gone)


def _alive(pid: int | None) -> bool:
    return pid is not None and Path(f"/proc/{pid}").exists()


def _identity(server: Postgres, data: Data, root: Path) -> str:
    digest = hashlib.sha256(f"{server.version}/{data.rows}/{data.seed}".encode())
    for pattern in SOURCES:
        for path in sorted(root.glob(pattern)):
            if path.is_file() and path.suffix == ".py":
                digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def _fill(server: Postgres, name: str, data: Data, root: Path) -> None:
    module = [SEED_MODULE, "--rows", str(data.rows), "--seed", str(data.seed)]
    argv = module if data.rows else [MIGRATIONS_MODULE, "upgrade"]
    lent = {"DATABASE_URL": database_url(server, name)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", *argv],
            env=local.environment(Target(spec=argv[0]), App(), root, lent),
            cwd=root,
            capture_output=True,
            text=True,
            timeout=SEED_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(
            f"Filling a database with {data.rows:,} orders takes longer than {SEED_S:.0f} s.", "Ask for fewer rows."
        ) from error
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-4:])
        raise CannotMeasure(
            f"The database could not be filled with {data.rows:,} orders:\n{last}",
            "Free disk space if it is full; else mend the seed or the migrations.",
        )


def _room(server: Postgres, bytes_needed: int) -> None:
    """Refuse a fill for which the disk of an embedded server has no room: template and one copy."""
    if server.folder is None:
        return
    free = shutil.disk_usage(server.folder).free
    if free < 2 * bytes_needed:
        raise CannotMeasure(
            f"The disk of {server.folder} has {free / 1e9:.1f} GB free; the data need {2 * bytes_needed / 1e9:.1f} GB.",
            "Free some space, ask for fewer rows, or give another place with --results DIR.",
        )


@contextlib.contextmanager
def _maintenance(server: Postgres) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    try:
        with psycopg.connect(server.url, connect_timeout=CONNECT_S, autocommit=True) as connection:
            yield connection
    except psycopg.errors.InsufficientPrivilege as error:
        raise CannotMeasure(
            f"The role of {safe(server.url)} may not make databases: {str(error).strip().splitlines()[0]}",
            "Give it the right (ALTER ROLE … CREATEDB), or unset DATABASE_URL for the embedded server.",
        ) from error
    except psycopg.Error as error:
        raise CannotMeasure(
            f"PostgreSQL at {safe(server.url)} refused: {str(error).strip().splitlines()[0]}",
            "See its log; on a full disk free some space.",
        ) from error


def _id(name: str) -> sql.Identifier:
    return sql.Identifier(name)


def _create(connection: psycopg.Connection[tuple[Any, ...]], name: str, source: str, note: dict[str, Any]) -> None:
    # Files are copied: writing a large template through the log takes several times as long.
    connection.execute(sql.SQL("create database {} template {} strategy file_copy").format(_id(name), _id(source)))
    _comment(connection, name, note)


def _comment(connection: psycopg.Connection[tuple[Any, ...]], name: str, note: dict[str, Any]) -> None:
    text = f"{MARK} {json.dumps(note)}"
    connection.execute(sql.SQL("comment on database {} is {}").format(_id(name), sql.Literal(text)))


def _forget(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> None:
    """Drop a database of ours, whoever is connected to it; one that is not marked is left and reported."""
    row = connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
    if row is None:
        return
    if not _marked(connection, name):
        raise CannotMeasure(
            f"The database {name} is there and was not made by the harness; it is left alone.",
            "Rename it, or name another server with DATABASE_URL.",
        )
    connection.execute(sql.SQL("drop database {} with (force)").format(_id(name)))


def _marked(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> bool:
    return any(found == name for found, _ in _all(connection))


def _all(connection: psycopg.Connection[tuple[Any, ...]]) -> list[tuple[str, dict[str, Any]]]:
    """Databases that carry the mark, with what their comment says of them."""
    rows = connection.execute(
        "select datname, shobj_description(oid, 'pg_database') from pg_database where not datistemplate"
    ).fetchall()
    found = []
    for name, comment in rows:
        word, _, text = str(comment or "").partition(" ")
        if word == MARK:
            found.append((str(name), json.loads(text)))
    return found
