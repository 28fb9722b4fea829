"""A shop's day on the database: lists, single orders with their lines, users, new orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from support.orders import new_order
from support.wire.request import Request, request
from support.wire.user import WireUser

CYCLE = 1_000

SHARES: tuple[tuple[str, float], ...] = (
    ("list", 0.3),
    ("order", 0.35),
    ("user", 0.2),
    ("rename", 0.05),
    ("place", 0.1),
)
"""Mostly reads, as in most shops."""


class Database(WireUser):
    """Parameters: ``orders``, ``users``, ``products``: ids go from 1 to there."""

    parameters = {"orders": 1_000, "users": 100, "products": 100}

    def requests(self, parameters: Mapping[str, Any], seed: int) -> Sequence[Request]:
        """Draw the mix that this seed gives."""
        random = Random(f"database {seed}")
        kinds = random.choices([name for name, _ in SHARES], [share for _, share in SHARES], k=CYCLE)
        return [KINDS[kind](random, parameters) for kind in kinds]


def _list(random: Random, _: Mapping[str, Any]) -> Request:
    return request("GET", f"/api/v1/orders?limit={random.choice((10, 20, 50))}", name="GET /api/v1/orders")


def _order(random: Random, given: Mapping[str, Any]) -> Request:
    number = random.randint(1, int(given["orders"]))
    # Some seeded orders are deleted: that they are not found is the right answer.
    return request("GET", f"/api/v1/orders/{number}", name="GET /api/v1/orders/{id}", expect=(200, 404))


def _user(random: Random, given: Mapping[str, Any]) -> Request:
    number = random.randint(1, int(given["users"]))
    return request("GET", f"/api/v1/users/{number}", name="GET /api/v1/users/{id}", expect=(200, 404))


def _rename(random: Random, given: Mapping[str, Any]) -> Request:
    number = random.randint(1, int(given["users"]))
    json = {"name": f"User {random.randrange(10_000)}"}
    return request("PATCH", f"/api/v1/users/{number}", json=json, name="PATCH /api/v1/users/{id}", expect=(200, 404))


def _place(random: Random, given: Mapping[str, Any]) -> Request:
    order = new_order(random, users=int(given["users"]), products=int(given["products"]))
    return request("POST", "/api/v1/orders", json=order, name="POST /api/v1/orders", expect=201)


KINDS: Mapping[str, Callable[[Random, Mapping[str, Any]], Request]] = {
    "list": _list,
    "order": _order,
    "user": _user,
    "rename": _rename,
    "place": _place,
}
