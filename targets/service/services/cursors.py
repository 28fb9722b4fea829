"""Cursors: opaque tokens that name a place between two rows, not a number of rows."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from targets.service.problems import Problem
from targets.service.repositories.items import Key

_BAD = ("bad-cursor", "The cursor is not one that this service gave out.")
_FORWARD, _BACKWARD = ">", "<"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Rows after the key, or before it if ``backward``."""

    key: Key
    backward: bool


def encode(cursor: Cursor) -> str:
    """Write the cursor as a token that fits into a URL."""
    direction = _BACKWARD if cursor.backward else _FORWARD
    created_at, item_id = cursor.key
    text = json.dumps([direction, created_at.isoformat(), item_id.hex], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(token: str) -> Cursor:
    """Read a token; a token that this service did not write is a 400 Problem."""
    try:
        raw = token.encode("ascii")
        padded = raw + b"=" * (-len(raw) % 4)
        direction, created_at, item_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        cursor = Cursor((datetime.fromisoformat(created_at), UUID(item_id)), direction == _BACKWARD)
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise Problem(400, *_BAD) from error
    if encode(cursor) != token or cursor.key[0].tzinfo is None:
        raise Problem(400, *_BAD)
    return cursor
