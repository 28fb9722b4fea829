"""Readers walk the pages of /api/v1/orders in one of three forms, beside writers who insert and delete."""

from __future__ import annotations

from random import Random
from typing import Any
from urllib.parse import urlsplit

from support.orders import new_order
from support.wire.connection import Flow
from support.wire.engine import Session
from support.wire.request import request
from support.wire.user import WireUser

FORMS = {"cursor": "", "offset": "&page=1", "keyset": "&after_id=0"}
"""How the first page is asked for; its links keep the form."""

PAGES_MAX = 500
"""A walk ends here: deep enough to see depth, short enough that other walks begin."""

DELETES = 0.3
"""Share of writes that delete what was inserted before."""


class Pagination(WireUser):
    """Parameters: ``form`` (cursor, offset, keyset), ``limit``, ``writers`` (their share), ``users``, ``products``."""

    parameters = {"form": "cursor", "limit": 20, "writers": 0.2, "users": 100, "products": 100}

    def flow(self, session: Session) -> Flow:
        """Walk to the end, or write as many orders as a walk has pages."""
        given = {**self.parameters, **session.parameters}
        if session.random.random() < float(given["writers"]):
            yield from _writes(session.random, given)
        else:
            yield from _walk(given)


def _walk(given: dict[str, Any]) -> Flow:
    """Ask for a page, then for the page that it names; a row seen twice is told by the response's own ids."""
    link: str | None = f"/api/v1/orders?limit={given['limit']}{FORMS[given['form']]}"
    for _ in range(PAGES_MAX):
        if link is None:
            return
        parts = urlsplit(link)
        response = yield request("GET", f"{parts.path}?{parts.query}", name=f"/api/v1/orders ({given['form']})")
        if response.status != 200:  # noqa: PLR2004  (anything else has no links)
            return
        link = response.json()["links"]["next"]


def _writes(random: Random, given: dict[str, Any]) -> Flow:
    """Insert orders at places all over the table, and delete some of them again."""
    mine: list[int] = []
    for _ in range(PAGES_MAX):
        if mine and random.random() < DELETES:
            number = mine.pop(random.randrange(len(mine)))
            yield request("DELETE", f"/api/v1/orders/{number}", name="/api/v1/orders/{id}", expect=204)
            continue
        order = new_order(random, users=int(given["users"]), products=int(given["products"]))
        response = yield request("POST", "/api/v1/orders", json=order, name="/api/v1/orders", expect=201)
        if response.status == 201:  # noqa: PLR2004  (created)
            mine.append(int(response.json()["id"]))
