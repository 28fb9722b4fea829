"""Walks the pages of /api/v1/items, following links.next until there is none."""

from __future__ import annotations

from urllib.parse import urlsplit

from support.wire.connection import Flow
from support.wire.engine import Session
from support.wire.request import request
from support.wire.user import WireUser

PAGES_MAX = 10_000
"""A walk ends here even where the service links its pages in a circle."""


class Walk(WireUser):
    """Parameters: ``path`` (where to begin) and ``limit`` (items a page)."""

    parameters = {"path": "/api/v1/items", "limit": 50}

    def flow(self, session: Session) -> Flow:
        """Ask for a page, then for the page that it names, to the end; then begin anew."""
        path = session.parameters.get("path", "/api/v1/items")
        link: str | None = f"{path}?limit={session.parameters.get('limit', 50)}"
        for _ in range(PAGES_MAX):
            if link is None:
                return
            parts = urlsplit(link)
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            response = yield request("GET", target, name=f"{path} (page)")
            if response.status != 200:  # noqa: PLR2004  (anything else has no links)
                return
            link = (response.json().get("links") or {}).get("next")
