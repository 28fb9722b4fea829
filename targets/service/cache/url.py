"""REDIS_URL: where Valkey is; never shown, since it may hold a password."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

VARIABLE = "REDIS_URL"

_SHAPE = "redis://host:port/0"
_SCHEMES = ("redis", "rediss")


def complaint(environment: Mapping[str, str], instead: str = "SERVICE_CACHE__KIND=l1 or off") -> str | None:
    """Say what is wrong with the variable, and what does without it; None if it will do."""
    url = environment.get(VARIABLE, "")
    if not url:
        return f"{VARIABLE}: missing; set it to {_SHAPE}, or choose {instead}"
    wrong = _wrong(url)
    return None if wrong is None else f"{VARIABLE}: {wrong}; write it as {_SHAPE}"


def _wrong(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "host or port cannot be read"
    if parts.scheme not in _SCHEMES or "://" not in url:
        return "the scheme must be redis or rediss"
    if not parts.hostname or port == 0:
        return "the host is missing or the port is 0"
    number = parts.path.removeprefix("/")
    if number and not (number.isascii() and number.isdigit()):
        return "the database must be a number"
    if parts.query or parts.fragment:
        # They would overrule the time-outs that keep a hung server from stalling every request.
        return "parameters are not taken"
    return None
