"""A request with an Idempotency-Key: how the field is read, and whose key it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from targets.service.problems import Problem

KEY_MAX = 255

_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
"""A string of RFC 9651, which is what the draft asks for."""
_BARE = re.compile(r"[!#$%&'*+.^_`|~:/=0-9A-Za-z-]+")
"""What most clients send: a token or a UUID without quotes."""
_CLIENT = re.compile(r"[\x21-\x7e]{1,255}")

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request with a key; a key means nothing outside of its client, method and route."""

    client: str
    method: str
    route: str
    key: str
    payload: bytes
    """SHA-256 of the body."""
    fault: str = ""
    """What the instrument ordered, for the processes that obey it."""

    @property
    def digest(self) -> bytes:
        """Give the SHA-256 of scope and key: the same for the same key, and of one length."""
        parts = f"{self.client}\0{self.method}\0{self.route}\0{self.key}"
        return hashlib.sha256(parts.encode()).digest()


def read_key(fields: Iterable[str]) -> str | None:
    """Read the key from all Idempotency-Key fields of a request; None if there is none, a 400 Problem if unfit.

    Quoted and bare spellings of one text are one key.
    """
    values = [value.strip(" \t") for value in fields]
    if not values:
        return None
    key = _plain(values[0]) if len(values) == 1 else None
    if key is None or not 1 <= len(key) <= KEY_MAX:
        raise Problem(
            400,
            "idempotency-key-malformed",
            f'Idempotency-Key must be given once, as a "quoted string" or a token, of 1 to {KEY_MAX} characters.',
        )
    return key


def read_client(value: str | None) -> str:
    """Read who asks from X-Client, which stands for a log-in; a 400 Problem if it is unfit."""
    if value is None:
        return ANONYMOUS
    if _CLIENT.fullmatch(value) is None:
        raise Problem(400, "client-malformed", "X-Client must have 1 to 255 visible ASCII characters.")
    return value


def _plain(value: str) -> str | None:
    quoted = _QUOTED.fullmatch(value)
    if quoted is not None:
        return re.sub(r"\\(.)", r"\1", quoted.group(1))
    return value if _BARE.fullmatch(value) else None
