"""Cursors of stored orders: opaque tokens with a signature, so that nobody can make up a place."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from targets.service.problems import Problem
from targets.service.repositories.window import Moment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = struct.Struct(">?qq")
"""Direction, microseconds since the epoch, id."""
_SIGNATURE_BYTES = 16
"""Half of SHA-256: 2^128 guesses are enough to be safe."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Orders after the place, or before it if ``backward``."""

    place: Moment
    backward: bool


@dataclass(frozen=True, slots=True)
class Cursors:
    """Writes tokens and reads them again; a token that was not written with the same secret is a 400 Problem."""

    encode: Callable[[Cursor], str]
    decode: Callable[[str], Cursor]


def cursors(secret: str, order: str) -> Cursors:
    """Give the cursors of one secret for rows in one order: another order's cursors are foreign."""
    key = hashlib.sha256(f"{order} cursor {secret}".encode()).digest()

    def encode(cursor: Cursor) -> str:
        micros = (cursor.place.placed_at - _EPOCH) // _MICROSECOND
        raw = _PLACE.pack(cursor.backward, micros, cursor.place.id)
        return base64.urlsafe_b64encode(raw + _sign(key, raw)).decode()

    def decode(token: str) -> Cursor:
        try:
            signed = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error) as error:
            raise _bad() from error
        raw, signature = signed[: _PLACE.size], signed[_PLACE.size :]
        if not hmac.compare_digest(signature, _sign(key, raw)):
            raise _bad()
        backward, micros, order_id = _PLACE.unpack(raw)
        return Cursor(Moment(_EPOCH + micros * _MICROSECOND, order_id), backward)

    return Cursors(encode, decode)


def _sign(key: bytes, raw: bytes) -> bytes:
    return hmac.digest(key, raw, "sha256")[:_SIGNATURE_BYTES]


def _bad() -> Problem:
    return Problem(400, "bad-cursor", "The cursor is not one that this service gave out.")
