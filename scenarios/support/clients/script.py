"""What a request of each kind puts on the wire, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..trial import TrialError
from ..wire.request import request
from .mix import BYTELESS, HALF, KINDS, LONG, QUICK, SLOW, STREAM

PATHS: Mapping[str, str] = {
    QUICK: "/quick",
    SLOW: "/slow?ms={slow_ms}",
    LONG: "/slow?ms={long_ms}",
    STREAM: "/stream?ms={stream_ms}&gap_ms={stream_gap_ms}",
    HALF: "/upload",
    BYTELESS: "/quick",
}
"""What each kind asks for (parameter ``kind_paths`` lays others over it); parameters stand in braces."""


@dataclass(frozen=True, slots=True)
class Script:
    """One kind of request: its first bytes, a pause, and the rest."""

    first: bytes
    """The head and what of the body goes with it."""
    rest: bytes = b""
    """What follows behind the pause."""
    before_s: float = 0.0
    """Pause between an open connection and the first byte; such a request never takes an idle connection."""
    between_s: float = 0.0
    """Pause between ``first`` and ``rest``."""
    idempotent: bool = True
    framed: bool = False
    """A body that only a close ends is no whole answer."""

    @property
    def pause_s(self) -> float:
        """Give the time that passes by intent before the whole request is sent."""
        return self.before_s + self.between_s


def scripts(parameters: Mapping[str, Any], authority: bytes) -> dict[str, Script]:
    """Encode every kind for one arm.

    :raises TrialError: a path for an unknown kind, or one that names an unknown parameter.
    """
    given = parameters["kind_paths"]
    unknown = sorted(set(given) - set(KINDS))
    if unknown:
        raise TrialError(f"parameters.kind_paths: unknown {', '.join(unknown)}; choose from {', '.join(KINDS)}")
    try:
        paths = {kind: {**PATHS, **given}[kind].format_map(parameters) for kind in KINDS}
    except (KeyError, ValueError, IndexError) as error:
        raise TrialError(f"parameters.kind_paths: {error!r}") from error
    gets = {kind: request("GET", path).encode(authority) for kind, path in paths.items() if kind != HALF}
    body = b"x" * int(parameters["body_bytes"])
    post = request("POST", paths[HALF], body=body).encode(authority)
    at = len(post) - len(body) + len(body) // 2
    return {
        QUICK: Script(gets[QUICK]),
        SLOW: Script(gets[SLOW]),
        LONG: Script(gets[LONG]),
        STREAM: Script(gets[STREAM], framed=True),
        HALF: Script(post[:at], post[at:], between_s=float(parameters["half_ms"]) / 1000, idempotent=False),
        BYTELESS: Script(gets[BYTELESS], before_s=float(parameters["byteless_ms"]) / 1000),
    }
