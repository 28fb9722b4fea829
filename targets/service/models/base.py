"""What all tables share: the names of their constraints, and the columns that say who and when."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from sqlalchemy import CHAR, BigInteger, DateTime, Identity, MetaData, Numeric, Text, func
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import DeclarativeBase, mapped_column

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""A constraint without a name cannot be dropped by a migration."""

BigKey = Annotated[int, mapped_column(BigInteger, Identity(always=False), primary_key=True)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
"""Set by the server when the row is made; always with a zone, kept in UTC."""
Instant = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Words = Annotated[str, mapped_column(Text)]
Actor = Annotated[str, mapped_column(Text, server_default="service")]
"""Who wrote the row."""
Code = Annotated[str, mapped_column(CHAR(3))]
Amount = Annotated[Decimal, mapped_column(Numeric(12, 2))]

EAGER_DEFAULTS = {"eager_defaults": True}
"""Moments that the server sets come back with each statement, so that none has to be read again."""


class Base(AsyncAttrs, DeclarativeBase):
    """The registry of the tables; ``awaitable_attrs`` makes a lazy load a visible await."""

    metadata = MetaData(naming_convention=_NAMES)
