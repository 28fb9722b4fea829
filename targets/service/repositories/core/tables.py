"""The models' tables, for statements without mapped objects."""

from __future__ import annotations

from sqlalchemy import Table

from targets.service.models import Base


def table_of(model: type[Base]) -> Table:
    """Give a model's table; TypeError if it is mapped to something else."""
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} has no table of its own")
    return table
