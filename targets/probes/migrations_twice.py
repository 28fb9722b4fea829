"""Whether migrations can be repeated, and which changes Alembic's generation does not see, as JSON lines.

``python -m targets.probes.migrations_twice`` on DATABASE_URL, whose schema it takes down and up again.

- ``{"subject": "repeat", "case", "cases", "differences"}``: lines of the schema (columns with their whole types,
  constraints, indexes, enumerations, triggers, as the catalogues write them) that differ from those after the first
  upgrade.
- ``{"subject": "drift", "twin": true, …}``: the same comparison of a schema that somebody has altered by hand; it must
  see that, or it compares nothing.
- ``{"subject": "autogenerate", "case", "cases", "missed", "found"}``: a change is made to a copy of the models, and
  generation, as the service configures it (Alembic's defaults), compares it with the database; ``found`` are the
  operations that it would write, missed is 1 where those that bring the change about are not all among them.
- ``{"subject": "autogenerate with every option", …}``: the same with defaults and checks compared as well.
- ``{"subject": "control", …}``: without a change it must see none, or the models are not what was migrated.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    create_engine,
    text,
)
from sqlalchemy.dialects.postgresql import ENUM
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.elements import conv

from targets.probes.model_changes import CASES, Change
from targets.service.database.url import for_dialect
from targets.service.migrations import running
from targets.service.models import Base

SCHEMA = """
select format('%s.%s %s notnull=%s default=%s identity=%s comment=%s', attrelid::regclass, attname,
              format_type(atttypid, atttypmod), attnotnull, coalesce(pg_get_expr(adbin, adrelid), ''), attidentity,
              coalesce(col_description(attrelid, attnum), ''))
from pg_attribute join pg_class on pg_class.oid = attrelid
left join pg_attrdef on adrelid = attrelid and adnum = attnum
where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and attnum > 0 and not attisdropped
union all
select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
where connamespace = 'public'::regnamespace
union all
select indexdef from pg_indexes where schemaname = 'public'
union all
select format('%s %s', enumtypid::regtype, enumlabel) from pg_enum
union all
select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
order by 1
"""

DRIFT = "alter table orders alter column total type numeric(14, 2)"
"""Two digits more: what a comparison of bare names of types would not see."""

OPTIONS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "autogenerate": {},
        "autogenerate with every option": {
            "compare_server_default": True,
            "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
        },
    }
)
"""How generation is configured."""


def main(arguments: Sequence[str]) -> None:
    """Print the lines."""
    del arguments
    url = os.environ["DATABASE_URL"]
    for case, differences in _repeats(url):
        _print("repeat", case, "differences", differences)
    _print("drift", "a total of more digits", "differences", _drift(url), twin=True)
    engine = create_engine(for_dialect(url, "psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        for options in OPTIONS.values():
            found = _operations(connection, Base.metadata, options)
            _print("control", "no change", "failed", len(found), control=True, found=sorted(found))
        _prepare(connection)
        for subject, options in OPTIONS.items():
            for one in CASES:
                found = _operations(connection, _changed(one.change), options)
                _print(subject, one.name, "missed", int(not one.wanted <= found), found=sorted(found))


def _print(subject: str, case: str, field: str, value: int, **more: object) -> None:
    sys.stdout.write(json.dumps({"subject": subject, "case": case, "cases": 1, field: value, **more}) + "\n")


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


def _drift(url: str) -> int:
    """Differences after an alteration by hand, which going down and up takes back."""
    first = _schema(url)
    engine = create_engine(for_dialect(url, "psycopg"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(DRIFT))
    differences = len(first ^ _schema(url))
    running.downgrade(url)
    running.upgrade(url)
    return differences


def _schema(url: str) -> frozenset[str]:
    engine = create_engine(for_dialect(url, "psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        return frozenset(row[0] for row in connection.execute(text(SCHEMA)))


def _changed(change: Change) -> MetaData:
    """A copy of the service's tables, and of the probe's own, with one change."""
    metadata = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.sorted_tables:
        table.to_metadata(metadata)
    Table(
        "shades",
        metadata,
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("shade", ENUM("light", "dark", name="shade"), nullable=False),
        Column("size", Integer, nullable=False),
        CheckConstraint("size > 0", name=conv("size_positive")),
    )
    change(metadata)
    return metadata


def _operations(connection: Connection, metadata: MetaData, options: Mapping[str, Any]) -> frozenset[str]:
    """Names of the operations that generation finds between the database and the models."""
    return frozenset(_names(compare_metadata(MigrationContext.configure(connection, opts=dict(options)), metadata)))


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


if __name__ == "__main__":
    main(sys.argv[1:])
