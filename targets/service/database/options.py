"""How the database is reached and used: the choices of one process."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class Postgres(BaseModel):
    """PostgreSQL at ``DATABASE_URL``, which is no setting: it names a place, not a practice."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["postgres"] = "postgres"
    driver: Literal["asyncpg", "psycopg"] = "asyncpg"
    access: Literal["orm", "core", "plain", "sqlmodel"] = Field(
        default="orm", description="plain: SQL through the driver and a pool without SQLAlchemy; sqlmodel: users only"
    )
    loading: Literal["lazy", "joined", "selectin", "contains_eager", "batch"] = "selectin"
    total: Literal["none", "estimated", "exact"] = Field(
        default="none", description="meta.total of orders; estimated: the planner's rows, from EXPLAIN"
    )
    cursor_key: Literal["composite", "timestamp"] = Field(
        default="composite", description="timestamp is a broken twin: it skips rows that share a time"
    )
    cursor_secret: SecretStr = Field(default=SecretStr("reference-service"), description="Signs the cursors")
    keys: Literal["bigint", "uuid4", "uuid7"] = Field(default="bigint", description="Primary key of events")
    pool_size: int = Field(default=5, ge=1, le=1000, description="Connections that are kept")
    max_overflow: int = Field(default=10, ge=0, le=1000, description="Connections beyond those, for a moment")
    pool_timeout_s: float = Field(default=30.0, gt=0, le=3600, description="Longest wait for a connection")
    pre_ping: bool = Field(default=False, description="Try a connection each time before it is used")
    recycle_s: int = Field(default=-1, ge=-1, description="Connections older than this are replaced; -1: never")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.access, self.driver) == ("plain", "asyncpg") and self.recycle_s != -1:
            raise ValueError("asyncpg's own pool cannot replace connections by age; leave recycle_s at -1")
        return self
