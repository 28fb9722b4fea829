"""Kinds of error that the reference service can be brought to, and in which circumstances."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from targets.probes.failing_service import PLAIN, UNHANDLED

ITEMS = "/api/v1/items"
ORDERS = "/api/v1/orders"
USERS = "/api/v1/users"
PRODUCT = "/api/v1/products/1"
TAKEN = "probe@errors.example"
"""An address that somebody has already."""
REUSED_KEY = "probe-errors-reused"

JSON = MappingProxyType({"content-type": "application/json"})
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Kind(NamedTuple):
    """One way to get an error."""

    name: str
    status: int
    """Expected in the answer."""
    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = _NOTHING

    @property
    def bare_path(self) -> str:
        """Give the path without its query."""
        return self.path.partition("?")[0]


def order(user_id: int, product_id: int, currency: str = "EUR") -> bytes:
    """Give the body of an order."""
    line = {"product_id": product_id, "quantity": 1, "unit_price": "1.00"}
    whole: dict[str, Any] = {"user_id": user_id, "currency": currency, "lines": [line], "note": "probe"}
    return json.dumps({**whole, "placed_at": "2026-11-25T00:00:00Z"}).encode()


def user(email: str) -> bytes:
    """Give the body of a user."""
    return json.dumps({"email": email, "name": "Probe"}).encode()


def keyed(key: str, fault: str = "") -> dict[str, str]:
    """Give the fields of a request under an idempotency key."""
    return {**JSON, "idempotency-key": f'"{key}"', **({"x-fault": fault} if fault else {})}


ALWAYS = (
    Kind("unknown path", 404, "GET", "/nowhere"),
    Kind("path with other letters", 404, "GET", "/nowhere/a%20%C3%A4%3F%22"),
    Kind("unknown item", 404, "GET", f"{ITEMS}/00000000-0000-4000-8000-ffffffffffff"),
    Kind("method not allowed", 405, "PUT", "/ping"),
    Kind("bad cursor", 400, "GET", f"{ITEMS}?cursor=abc"),
    Kind("value out of range", 422, "GET", f"{ITEMS}?limit=0"),
    Kind("malformed JSON", 422, "POST", ITEMS, b"{", JSON),
    Kind("body that is no text", 422, "POST", ITEMS, b"\xff\xfe{}", JSON),
    Kind("missing fields", 422, "POST", ITEMS, b"{}", JSON),
    Kind("other media type", 422, "POST", ITEMS, b"{}", {"content-type": "text/plain"}),
    Kind("malformed idempotency key", 400, "POST", ORDERS, b"{}", {**JSON, "idempotency-key": '"'}),
    Kind("exception that nobody handles", 500, "GET", UNHANDLED),
    Kind("exception of the framework", 418, "GET", PLAIN),
)
"""They need no dependency, and so come out alike whatever has failed."""

UPSTREAM_SILENT = Kind("upstream silent", 504, "GET", "/api/v1/quotes/1")
UPSTREAM_AWAY = Kind("upstream away", 502, "GET", "/api/v1/quotes/1")

STORED = (
    Kind("unknown product", 404, "GET", "/api/v1/products/999999999"),
    Kind("taken already", 409, "POST", USERS, user(TAKEN), JSON),
    Kind("unknown reference", 422, "POST", ORDERS, order(999_999_999, 1), JSON),
    UPSTREAM_SILENT,
)
"""While all dependencies are there, but for the upstream, which takes requests and does not answer."""

AWAY = (
    Kind("database away", 503, "GET", PRODUCT),
    Kind("database away, write", 503, "POST", USERS, user("another@errors.example"), JSON),
    Kind("database away, key", 503, "POST", ORDERS, order(1, 1), keyed("probe-errors-away")),
    Kind("not ready", 503, "GET", "/health/ready"),
    UPSTREAM_AWAY,
)
"""While database and upstream refuse connections."""

REUSED = Kind("key with another body", 422, "POST", ORDERS, order(1, 1, "USD"), keyed(REUSED_KEY))
HELD = Kind("key in progress", 409, "POST", ORDERS, order(1, 1))
NO_CONNECTION = Kind("no connection free", 503, "GET", PRODUCT)
CROWDED = Kind("too many at once", 503, "GET", PRODUCT)
LIMITED = Kind("too many in a window", 429, "GET", "/limited")
DRAINING = Kind("draining", 503, "GET", "/health/ready")
