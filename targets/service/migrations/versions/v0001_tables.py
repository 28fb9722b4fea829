"""Users, products, orders with their lines, and events under three kinds of key."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_LIVE = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    """Make the tables, and for each its indexes."""
    _upgrade_users()
    _upgrade_products()
    _upgrade_orders()
    _upgrade_order_lines()
    _upgrade_events("events_bigint", sa.Column("id", sa.BigInteger, sa.Identity(always=False)))
    _upgrade_events("events_uuid4", sa.Column("id", sa.Uuid, server_default=sa.text("gen_random_uuid()")))
    _upgrade_events("events_uuid7", sa.Column("id", sa.Uuid, server_default=sa.text("uuidv7()")))


def downgrade() -> None:
    """Drop the tables, those that refer to others first."""
    for table in ("events_uuid7", "events_uuid4", "events_bigint", "order_lines", "orders", "products", "users"):
        op.drop_table(table)


def _key(table: str) -> tuple[sa.Column[Any], sa.PrimaryKeyConstraint]:
    column = sa.Column("id", sa.BigInteger, sa.Identity(always=False), nullable=False)
    return column, sa.PrimaryKeyConstraint("id", name=f"pk_{table}")


def _moment(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)


def _audit() -> tuple[sa.Column[Any], ...]:
    actors = (
        sa.Column(name, sa.Text, server_default="service", nullable=False) for name in ("created_by", "updated_by")
    )
    return (_moment("created_at"), _moment("updated_at"), *actors)


def _deleted() -> sa.Column[Any]:
    return sa.Column("deleted_at", sa.DateTime(timezone=True))


def _foreign(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}")


def _upgrade_users() -> None:
    op.create_table(
        "users",
        *_key("users"),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        *_audit(),
        _deleted(),
    )
    op.create_index("uq_users_email", "users", ["email"], unique=True, postgresql_where=_LIVE)


def _upgrade_products() -> None:
    op.create_table(
        "products",
        *_key("products"),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("price", sa.Numeric(12, 2), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("stock", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, server_default=sa.text("1"), nullable=False),
        *_audit(),
        _deleted(),
    )
    op.create_index("uq_products_sku", "products", ["sku"], unique=True, postgresql_where=_LIVE)


def _upgrade_orders() -> None:
    op.create_table(
        "orders",
        *_key("orders"),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("total", sa.Numeric(12, 2), nullable=False),
        sa.Column("pieces", sa.Integer, nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text),
        *_audit(),
        _deleted(),
        _foreign("orders", "user_id", "users"),
    )
    op.create_index("ix_orders_placed_at_id", "orders", ["placed_at", "id"], postgresql_where=_LIVE)
    op.create_index("ix_orders_user_id_id", "orders", ["user_id", "id"])


def _upgrade_order_lines() -> None:
    op.create_table(
        "order_lines",
        *_key("order_lines"),
        sa.Column("order_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("product_id", sa.BigInteger, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("unit_price", sa.Numeric(12, 2), nullable=False),
        sa.Column("line_total", sa.Numeric(12, 2), nullable=False),
        *_audit(),
        _foreign("order_lines", "order_id", "orders"),
        _foreign("order_lines", "product_id", "products"),
    )
    op.create_index("ix_order_lines_order_id_position", "order_lines", ["order_id", "position"])


def _upgrade_events(table: str, key: sa.Column[Any]) -> None:
    key.nullable = False
    op.create_table(
        table,
        key,
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", JSONB, nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )
