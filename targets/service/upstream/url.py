"""UPSTREAM_URL: where the service behind this one is."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

VARIABLE = "UPSTREAM_URL"

_SHAPE = "http://host:port"
_SCHEMES = ("http", "https")


def complaint(environment: Mapping[str, str]) -> str | None:
    """Say what is wrong with the variable; None if it will do."""
    url = environment.get(VARIABLE, "")
    if not url:
        return f"{VARIABLE}: missing; set it to {_SHAPE}, or choose SERVICE_UPSTREAM__KIND=off"
    wrong = _wrong(url)
    return None if wrong is None else f"{VARIABLE}: {wrong}; write it as {_SHAPE}"


def _wrong(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "host or port cannot be read"
    if parts.scheme not in _SCHEMES or "://" not in url:
        return "the scheme must be http or https"
    if not parts.hostname or port == 0:
        return "the host is missing or the port is 0"
    if parts.username is not None or parts.query or parts.fragment:
        return "names, passwords and parameters are not taken"
    return None
