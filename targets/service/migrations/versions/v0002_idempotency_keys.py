"""Idempotency keys with the answers that they got."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and the index by which forgotten keys are deleted."""
    op.create_table(
        "idempotency_keys",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("client", "method", "route", "key")),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("content_type", sa.Text),
        sa.Column("body", sa.LargeBinary),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        _instant("expires_at"),
        _instant("forgotten_at"),
        sa.PrimaryKeyConstraint("client", "method", "route", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_forgotten_at", "idempotency_keys", ["forgotten_at"])


def downgrade() -> None:
    """Drop the table: whoever repeats a request after that is processed again."""
    op.drop_table("idempotency_keys")


def _instant(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)
