"""Requests, encoded before they are needed, and the responses that flows receive."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping, Sequence
from typing import Any

from ..trial import S_NS

BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
"""Methods for which a server expects a length even where there is no body."""


class Request:
    """A request, encoded but for the Host, which belongs to the arm.

    ``name`` groups requests in reports; ``expect`` None leaves the statuses to the trial; ``arm`` None: for every arm.
    ``pause_ns``: a flow rests so long between the last answer and this request.
    """

    __slots__ = ("after_host", "arm", "before_host", "bodyless", "expect", "method", "name", "pause_ns")

    def __init__(
        self,
        method: str,
        name: str,
        before_host: bytes,
        after_host: bytes,
        expect: frozenset[int] | None,
        arm: str | None = None,
        pause_ns: int = 0,
    ) -> None:
        self.method = method
        self.name = name
        self.before_host = before_host
        self.after_host = after_host
        self.expect = expect
        self.arm = arm
        self.pause_ns = pause_ns
        self.bodyless = method == "HEAD"

    def encode(self, authority: bytes) -> bytes:
        """Give the bytes for the wire, addressed to ``authority`` (host and port)."""
        return self.before_host + authority + self.after_host


def request(
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    body: bytes | str | None = None,
    name: str | None = None,
    expect: int | Sequence[int] | None = None,
    arm: str | None = None,
    pause_s: float = 0.0,
) -> Request:
    """Encode a request.

    :param path: path and query; must be absolute and already escaped.
    :param json: a value to send as JSON; ``body`` is for anything else (text is sent as UTF-8).
    :param name: how reports group it; method and path by default.
    :param expect: the status, or statuses, that count as an answer; the trial's by default.
    :param arm: the only arm of a trial that is asked; every arm by default.
    :param pause_s: how long a flow rests before it; requests that are repeated in turn cannot rest.
    :raises ValueError: both ``json`` and ``body``, a path without a leading slash, or a line break in a field.
    """
    if json is not None and body is not None:
        raise ValueError("a request has one body: json or body")
    if not path.startswith("/"):
        raise ValueError(f"path {path!r} must begin with a slash")
    fields = {"Accept": "*/*", "User-Agent": "locust-wire", **(headers or {})}
    given = {key.lower() for key in fields}
    content = _content(json, body)
    if content is not None and "content-type" not in given:
        fields["Content-Type"] = "application/json" if json is not None else "application/octet-stream"
    if content is not None or method in BODY_METHODS:
        fields["Content-Length"] = str(len(content or b""))
    lines = "".join(f"\r\n{key}: {value}" for key, value in fields.items())
    first = f"{method} {path} HTTP/1.1\r\nHost: "
    if first.count("\r\n") != 1 or lines.count("\n") != len(fields) or " " in path:
        raise ValueError("a line break or blank in the method, path or header fields")
    return Request(
        method=method,
        name=name or f"{method} {path}",
        before_host=first.encode("ascii"),
        after_host=lines.encode("latin-1") + b"\r\n\r\n" + (content or b""),
        expect=None if expect is None else frozenset((expect,) if isinstance(expect, int) else expect),
        arm=arm,
        pause_ns=round(pause_s * S_NS),
    )


def labelled(wire: bytes, logical_id: int, attempt: int | None = None) -> bytes:
    """Add ``X-Logical-Id`` (and ``X-Attempt``) to an encoded request, so that a server can say which one it met."""
    head, end, body = wire.partition(b"\r\n\r\n")
    fields = b"\r\nX-Logical-Id: %d" % logical_id
    if attempt is not None:
        fields += b"\r\nX-Attempt: %d" % attempt
    return head + fields + end + body


def _content(json: Any, body: bytes | str | None) -> bytes | None:
    if json is not None:
        return json_module.dumps(json, separators=(",", ":"), ensure_ascii=False).encode()
    return body.encode() if isinstance(body, str) else body


class Response:
    """What came back: ``status`` 0 and an ``error`` (refused, rst, eof, timeout, protocol) if nothing whole did."""

    __slots__ = ("_block", "_headers", "body", "error", "status")

    def __init__(self, status: int, block: bytes, body: bytes, error: str = "") -> None:
        self.status = status
        self.body = body
        self.error = error
        self._block = block
        self._headers: dict[str, str] | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Header fields by lower-case name, repeated ones joined by commas; parsed when first asked for."""
        if self._headers is None:
            self._headers = {}
            for line in self._block.split(b"\r\n")[1:]:
                name, colon, value = line.decode("latin-1").partition(":")
                if colon:
                    key, text = name.lower(), value.strip()
                    before = self._headers.get(key)
                    self._headers[key] = text if before is None else f"{before}, {text}"
        return self._headers

    def json(self) -> Any:
        """Parse the body; raises ValueError where it is no JSON."""
        return json_module.loads(self.body)
