"""Targets as people write them: ``SERVER[+SERIALIZER][,key=value]…`` or the URL of a running service."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Collection, Hashable, Mapping
from urllib.parse import SplitResult, urlsplit

from harness.errors import UsageError
from harness.model import Target

COMMON_OPTIONS = ("python", "memory")
"""Options that the harness itself reads, whatever the server: the app's interpreter, its container's memory limit."""

FORM = "SERVER[+SERIALIZER][,key=value]…"

_QUOTES = "\"'"
_OPTION = re.compile(r"[a-z][a-z0-9_]*")
_ENVIRONMENT = re.compile(r"[A-Z][A-Z0-9_]*")
_PLAIN = re.compile(r"[^\s,\"']+")


def parse(
    text: str,
    *,
    servers: Mapping[str, Collection[str]],
    serializers: Collection[str],
    allow_hosts: Collection[str] = (),
) -> Target:
    """Read one target.

    ``servers`` maps each known server to the names of its options.  Raises UsageError that names
    the place of a mistake, lists the choices with the nearest first, or refuses an address
    outside loopback that ``allow_hosts`` does not name.
    """
    if "://" in text.partition(",")[0]:
        return Target(spec=text, url=_url(text, allow_hosts))
    parts = _split(text)
    server, plus, serializer = parts[0][1].partition("+")
    if not server or (plus and not serializer):
        raise _malformed(text, 1, "a name is missing", f"Write {FORM}.")
    choose("server", server, servers)
    if plus:
        choose("serializer", serializer, serializers)
    options: dict[str, str] = {}
    environment: dict[str, str] = {}
    for column, part in parts[1:]:
        key, value = _pair(text, column, part)
        kind = options if _OPTION.fullmatch(key) else environment
        if key in kind:
            raise _malformed(text, column, f"{key} is given twice", "Give it once.")
        if kind is options:
            choose(f"option of {server}", key, [*servers[server], *COMMON_OPTIONS])
        kind[key] = value
    return Target(
        spec=text,
        server=server,
        serializer=serializer or None,
        options=options,
        environment=environment,
    )


def choose(kind: str, name: str, choices: Collection[str]) -> str:
    """``name`` if it is among ``choices``; else UsageError lists them, the nearest first."""
    if name in choices:
        return name
    listed = ", ".join(nearest(name, choices)) or "none is known here"
    raise UsageError(f"unknown {kind} {name!r}", f"Choose from: {listed}.")


def nearest(name: str, choices: Collection[str]) -> list[str]:
    """All choices, those that look most like ``name`` first."""
    unique = sorted(set(choices))
    return sorted(unique, key=lambda choice: -difflib.SequenceMatcher(None, name, choice).ratio())


def label(target: Target) -> str:
    """Name of a target in reports: its canonical spelling, which ``parse`` reads again."""
    if target.url is not None:
        return target.url
    name = target.server or target.spec
    if target.serializer is not None:
        name += f"+{target.serializer}"
    pairs = [*sorted(target.options.items()), *sorted(target.environment.items())]
    return ",".join([name, *(f"{key}={_quoted(value)}" for key, value in pairs)])


def architecture(target: Target) -> tuple[Hashable, ...]:
    """Say what decides how an arm queues and batches: equal tuples may share the request grain.

    Server and server options (workers, loop, http, python, …) count; the serializer and the app's
    environment do not.  Nobody knows what stands behind a URL, so each URL is one of its own.
    """
    if target.url is not None:
        return ("url", target.url)
    return (target.server, *sorted(target.options.items()))


def _url(text: str, allow_hosts: Collection[str]) -> str:
    mend = "Write it like http://127.0.0.1:8000."
    try:
        url = urlsplit(text)
        host = url.hostname
        _ = url.port
    except ValueError as error:
        raise UsageError(f"{text!r} is not a URL: {error}", mend) from error
    if url.scheme not in ("http", "https") or not host:
        raise UsageError(f"{text!r} is not an http or https URL with a host", mend)
    if url.username is not None or url.password is not None:
        raise UsageError("a target's URL carries a user or password", "Runs are kept: leave secrets out.")
    if url.path not in ("", "/") or url.query or url.fragment or "," in text or re.search(r"\s", text):
        raise UsageError(f"{text!r} holds more than scheme, host and port", "Give paths with --path.")
    allowed = {name.lower() for name in allow_hosts}
    if not _is_loopback(host) and host not in allowed:
        raise UsageError(
            f"{host} is not this machine, and load goes nowhere else unasked",
            f"If the service is yours to load, add --allow-host {host}.",
        )
    return SplitResult(url.scheme, url.netloc, "", "", "").geturl()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(text: str) -> list[tuple[int, str]]:
    """Parts between commas outside quotes, each with its column (from 1)."""
    parts: list[tuple[int, str]] = []
    begin, quote, opened = 0, "", 0
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES:
            quote, opened = character, at
        elif character == ",":
            parts.append((begin + 1, text[begin:at]))
            begin = at + 1
    if quote:
        raise _malformed(text, opened + 1, f"the quote {quote} is never closed", "Close it.")
    parts.append((begin + 1, text[begin:]))
    return parts


def _pair(text: str, column: int, part: str) -> tuple[str, str]:
    key, equals, written = part.partition("=")
    if not part:
        raise _malformed(text, column, "nothing stands between the commas", "Write key=value or drop it.")
    if not equals:
        raise _malformed(text, column, f"{part!r} has no value", f"Write it as {part}=value.")
    if not _OPTION.fullmatch(key) and not _ENVIRONMENT.fullmatch(key):
        raise _malformed(
            text,
            column,
            f"{key!r} is no key",
            "Lower-case keys are options of the server, UPPER-case keys the app's environment.",
        )
    return key, _value(text, column + len(key) + 1, written)


def _value(text: str, column: int, written: str) -> str:
    if "\0" in written:
        raise _malformed(text, column, "a value holds a NUL character", "No environment can carry it.")
    if len(written) > 1 and written[0] in _QUOTES and written.find(written[0], 1) == len(written) - 1:
        return written[1:-1]
    if not written:
        raise _malformed(text, column, "the value is empty", 'Write "" for an empty value.')
    if not _PLAIN.fullmatch(written):
        raise _malformed(
            text,
            column,
            f"{written!r} holds a blank or a quote",
            "Put the whole value in quotes, and the quotes in the shell's quotes.",
        )
    return written


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    return f"'{value}'" if '"' in value else f'"{value}"'


def _malformed(text: str, column: int, what: str, mend: str) -> UsageError:
    return UsageError(f"target {text!r}, character {column}: {what}", mend)
