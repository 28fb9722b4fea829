"""Whose request it is: what a header field says, or else the address that the connection comes from.

A field that anybody can write is no limit: it is for one that a gateway sets, after it has made sure who asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from starlette.types import Scope

PEER = "peer"
"""The setting that means the address; behind a proxy all addresses are its own, unless the server reads them for us."""

ReadClient = Callable[[Scope], str]


def reader(chosen: str) -> ReadClient:
    """Give what reads a client from a request; its names are digests, whose length no client can choose."""
    if chosen == PEER:
        return _by_address
    field = chosen.lower().encode()

    def by_field(scope: Scope) -> str:
        value = next((value for name, value in scope["headers"] if name == field), None)
        return _by_address(scope) if value is None else _digest(b"field " + value)

    return by_field


def _by_address(scope: Scope) -> str:
    # A Unix socket has no address: all who come through it are one client.
    address = scope.get("client") or ("",)
    return _digest(b"peer " + str(address[0]).encode())


def _digest(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=16).hexdigest()
