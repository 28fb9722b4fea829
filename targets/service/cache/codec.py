"""Entries as bytes: twenty digits of version, which Lua can compare, and a msgpack of the rest."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from targets.service.cache.entry import Entry

T = TypeVar("T")

DIGITS = 20
"""Holds every bigint."""


def digits(version: int) -> bytes:
    """Write a version so that comparing texts compares versions."""
    return b"%0*d" % (DIGITS, version)


class Codec(Generic[T]):
    """Writes and reads the entries of one type of record."""

    def __init__(self, record: type[T]) -> None:
        """Prepare for one type, a dataclass."""
        self._encode = msgspec.msgpack.Encoder().encode
        shape: Any = tuple[record, float, float]  # type: ignore[valid-type]  # (made at run time)
        self._decode = msgspec.msgpack.Decoder(shape).decode

    def payload(self, entry: Entry[T]) -> bytes:
        """Write everything but the version."""
        return self._encode((entry.record, entry.load_s, entry.expires_at_s))

    def read(self, raw: bytes) -> Entry[T] | None:
        """Read version and payload; None for a mark, ValueError for what this codec did not write."""
        version = int(raw[:DIGITS])
        if len(raw) == DIGITS:
            return None
        record, load_s, expires_at_s = self._decode(raw[DIGITS:])
        return Entry(record, version, load_s, expires_at_s)
