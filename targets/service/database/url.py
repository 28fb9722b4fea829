"""DATABASE_URL: where the database is; never shown, since it may hold a password."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

VARIABLE = "DATABASE_URL"

_SHAPE = "postgresql://user@host:port/database"
_SCHEMES = ("postgresql", "postgres")


class UrlError(ValueError):
    """DATABASE_URL is missing or cannot be read; the text names the variable and the mend."""


def complaint(environment: Mapping[str, str]) -> str | None:
    """Say what is wrong with the variable; None if it will do."""
    url = environment.get(VARIABLE, "")
    if not url:
        return f"{VARIABLE}: missing; set it to {_SHAPE}"
    wrong = _wrong(url)
    return None if wrong is None else f"{VARIABLE}: {wrong}; write it as {_SHAPE}"


def read(environment: Mapping[str, str]) -> str:
    """Give the URL with the scheme ``postgresql``; UrlError if it is missing or malformed."""
    wrong = complaint(environment)
    if wrong is not None:
        raise UrlError(wrong)
    return "postgresql" + environment[VARIABLE][environment[VARIABLE].index("://") :]


def for_dialect(url: str, driver: str) -> str:
    """Give the URL as SQLAlchemy wants it: with the driver's name in the scheme."""
    return url.replace("postgresql://", f"postgresql+{driver}://", 1)


def _wrong(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "host or port cannot be read"
    if parts.scheme not in _SCHEMES or "://" not in url:
        return "the scheme must be postgresql, without a driver's name"
    if not parts.hostname or port == 0:
        return "the host is missing or the port is 0"
    if parts.path in {"", "/"}:
        return "the database's name is missing"
    # Drivers read parameters differently: what one takes makes another fail at the first request.
    return "NUL or parameters after the name are not taken" if _odd(url) else None


def _odd(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.query or parts.fragment) or "\0" in unquote(url)
