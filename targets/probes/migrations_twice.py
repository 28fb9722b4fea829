"""Whether migrations can be repeated, and which changes Alembic's generation does not see, as JSON lines.

``python -m targets.probes.migrations_twice`` on DATABASE_URL, whose schema it takes down and up again.

- ``{"subject": "repeat", "case", "cases", "differences"}``: lines of the schema (columns, constraints, indexes, as the
  catalogues write them) that differ from those after the first upgrade.
- ``{"subject": "autogenerate", "case", "cases", "missed"}``: a change is made to a copy of the models, and generation
  compares it with the database; missed is 1 where what it would write does not bring the change about.
- ``{"subject": "control", …}``: without a change it must see none, or it is blind to nothing and everything.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    DefaultClause,
    Index,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    text,
)
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.pool import NullPool

from targets.service.database.url import for_dialect
from targets.service.migrations import running

SCHEMA = """
select format('%s.%s %s null=%s default=%s identity=%s', table_name, column_name, data_type, is_nullable,
              coalesce(column_default, ''), is_identity)
from information_schema.columns where table_schema = 'public'
union all
select format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
where connamespace = 'public'::regnamespace
union all
select indexdef from pg_indexes where schemaname = 'public'
order by 1
"""

Change = Callable[[MetaData], Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A change of the models, and the operations that bring it about."""

    name: str
    change: Change
    wanted: frozenset[str]
    """Names of the operations that Alembic must find."""


def main(arguments: Sequence[str]) -> None:
    """Print the lines."""
    del arguments
    url = os.environ["DATABASE_URL"]
    for case, differences in _repeats(url):
        _print("repeat", case, "differences", differences)
    engine = create_engine(for_dialect(url, "psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        _print("control", "no change", "failed", len(_operations(connection, lambda _: None)))
        _prepare(connection)
        for one in CASES:
            found = _operations(connection, one.change)
            _print("autogenerate", one.name, "missed", int(not one.wanted <= found))


def _print(subject: str, case: str, field: str, value: int) -> None:
    line: dict[str, object] = {"subject": subject, "case": case, "cases": 1, field: value}
    sys.stdout.write(json.dumps(line | ({"control": True} if subject == "control" else {})) + "\n")


def _repeats(url: str) -> list[tuple[str, int]]:
    """Up, up again, down, up, and down to nothing and up: differences from the schema after the first."""
    running.upgrade(url)
    first = _schema(url)
    found = []
    running.upgrade(url)
    found.append(("up twice", len(first ^ _schema(url))))
    running.downgrade(url)
    left = {line for line in _schema(url) if "alembic_version" not in line}
    found.append(("down leaves nothing", len(left)))
    running.downgrade(url)
    found.append(("down twice", len({line for line in _schema(url) if "alembic_version" not in line})))
    for number in range(2):
        running.upgrade(url)
        found.append((f"down and up, {('once', 'again')[number]}", len(first ^ _schema(url))))
        if number == 0:
            running.downgrade(url)
    return found


def _schema(url: str) -> frozenset[str]:
    engine = create_engine(for_dialect(url, "psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        return frozenset(row[0] for row in connection.execute(text(SCHEMA)))


def _operations(connection: Connection, change: Change) -> frozenset[str]:
    """Names of the operations that generation finds between the database and the changed models."""
    metadata = MetaData()
    metadata.reflect(connection)
    metadata.remove(metadata.tables["alembic_version"])
    change(metadata)
    context = MigrationContext.configure(connection)
    return frozenset(_names(compare_metadata(context, metadata)))


def _names(differences: Sequence[Any]) -> list[str]:
    """An operation is a tuple, or a list of tuples where several touch one column."""
    found = []
    for one in differences:
        found += _names(one) if isinstance(one, list) else [str(one[0])]
    return found


def _prepare(connection: Connection) -> None:
    """What the cases need beyond the service's own tables: an enumeration, and a check."""
    connection.execute(text("create type shade as enum ('light', 'dark')"))
    connection.execute(text("create table shades (id bigint primary key, shade shade not null, size int not null)"))
    connection.execute(text("alter table shades add constraint size_positive check (size > 0)"))
    connection.commit()


def _column(metadata: MetaData, table: str, name: str) -> Column[Any]:
    return metadata.tables[table].columns[name]


def _drop_column(metadata: MetaData) -> None:
    _without(metadata.tables["orders"], "note")


def _without(table: Table, name: str) -> None:
    """Remove a column from a reflected table, which SQLAlchemy offers to its own dialects only."""
    table._columns.remove(table.columns[name])  # noqa: SLF001  (there is no public way)


def _rename_column(metadata: MetaData) -> None:
    _drop_column(metadata)
    metadata.tables["orders"].append_column(Column("remark", Text))


def _rename_table(metadata: MetaData) -> None:
    table = metadata.tables["shades"]
    metadata.remove(table)
    table.to_metadata(metadata, name="hues")


def _set(table: str, column: str, **values: Any) -> Change:
    def change(metadata: MetaData) -> None:
        for name, value in values.items():
            setattr(_column(metadata, table, column), name, value)

    return change


def _default(metadata: MetaData) -> None:
    _column(metadata, "orders", "pieces").server_default = DefaultClause("7")


def _check(metadata: MetaData) -> None:
    table = metadata.tables["shades"]
    for one in [each for each in table.constraints if isinstance(each, CheckConstraint)]:
        table.constraints.remove(one)
    table.append_constraint(CheckConstraint("size > 1", name="size_positive"))


def _predicate(metadata: MetaData) -> None:
    table = metadata.tables["orders"]
    old = next(one for one in table.indexes if one.name == "ix_orders_placed_at_id")
    table.indexes.remove(old)
    Index(old.name, table.c.placed_at, table.c.id, postgresql_where=text("deleted_at IS NULL AND pieces > 0"))


def _foreign_key(metadata: MetaData) -> None:
    table = metadata.tables["orders"]
    for one in list(table.foreign_key_constraints):
        table.constraints.remove(one)
        for element in one.elements:
            element.parent.foreign_keys.discard(element)


CASES = (
    Case(
        "add a column", lambda m: m.tables["orders"].append_column(Column("channel", Text)), frozenset({"add_column"})
    ),
    Case("drop a column", _drop_column, frozenset({"remove_column"})),
    Case("rename a column", _rename_column, frozenset({"rename_column"})),
    Case(
        "add a table", lambda m: Table("extra", m, Column("id", BigInteger, primary_key=True)), frozenset({"add_table"})
    ),
    Case("rename a table", _rename_table, frozenset({"rename_table"})),
    Case("change a type", _set("orders", "pieces", type=BigInteger()), frozenset({"modify_type"})),
    Case("shorten a text", _set("orders", "note", type=String(20)), frozenset({"modify_type"})),
    Case("lose the time zone", _set("orders", "placed_at", type=DateTime(timezone=False)), frozenset({"modify_type"})),
    Case("allow null", _set("orders", "pieces", nullable=True), frozenset({"modify_nullable"})),
    Case("change a server default", _default, frozenset({"modify_default"})),
    Case("change a comment", _set("orders", "pieces", comment="how many"), frozenset({"modify_comment"})),
    Case(
        "add an index",
        lambda m: Index("ix_extra", m.tables["orders"].c.pieces),
        frozenset({"add_index"}),
    ),
    Case("change an index's predicate", _predicate, frozenset({"add_index"})),
    Case("drop a foreign key", _foreign_key, frozenset({"remove_fk"})),
    Case("change a check", _check, frozenset({"add_check"})),
    Case(
        "add a value to an enumeration",
        _set("shades", "shade", type=ENUM("light", "dark", "dim", name="shade")),
        frozenset({"modify_type"}),
    ),
)
"""The kinds of change that a service sees in a year.  A rename is found where it is found as one: dropping and adding
loses what the column or table holds."""


if __name__ == "__main__":
    main(sys.argv[1:])
