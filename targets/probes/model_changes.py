"""Changes of the models, as a service sees them in a year, and what generation must write for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    DefaultClause,
    Index,
    MetaData,
    String,
    Table,
    Text,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.sql.elements import conv

Change = Callable[[MetaData], Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A change of the models, and the operations that bring it about."""

    name: str
    change: Change
    wanted: frozenset[str]
    """Names of the operations that Alembic must find."""


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
    table.append_constraint(CheckConstraint("size > 1", name=conv("size_positive")))


def _new_check(metadata: MetaData) -> None:
    metadata.tables["orders"].append_constraint(CheckConstraint("pieces > 0", name=conv("ck_orders_pieces")))


def _trigger(metadata: MetaData) -> None:
    words = "create trigger touched before update on orders for each row execute function tsvector_update_trigger()"
    made = DDL(words)  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types.
    event.listen(metadata.tables["orders"], "after_create", made)


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
    Case("change an index's predicate", _predicate, frozenset({"remove_index", "add_index"})),
    Case("drop a foreign key", _foreign_key, frozenset({"remove_fk"})),
    Case("add a check", _new_check, frozenset({"add_constraint"})),
    Case("change a check", _check, frozenset({"remove_constraint", "add_constraint"})),
    Case(
        "add a value to an enumeration",
        _set("shades", "shade", type=ENUM("light", "dark", "dim", name="shade")),
        frozenset({"modify_type"}),
    ),
    Case("add a trigger", _trigger, frozenset({"add_trigger"})),
)
"""The kinds of change that a service sees in a year.  A rename is found where it is found as one: dropping and adding
loses what the column or table holds.  Alembic has no operation for a rename or a trigger that it could find."""
