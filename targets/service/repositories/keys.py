"""Primary keys as every serializer knows them."""

from __future__ import annotations

from uuid import UUID

ID_MAX = 2**63 - 1
"""The largest bigint."""


def key_of(value: int | UUID) -> int | UUID:
    """Give a number as it is and a UUID as the standard library's: asyncpg's own subclass is foreign to orjson."""
    return UUID(int=value.int) if isinstance(value, UUID) else value
