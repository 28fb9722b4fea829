"""Puts the calls together as the settings say, and closes the client at the end."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from targets.service.practices.upstream import On
from targets.service.resilience.counts import Counts
from targets.service.resilience.once import Once
from targets.service.upstream.client import connected
from targets.service.upstream.places import STREAMS, Places
from targets.service.upstream.quotes import Quotes
from targets.service.upstream.url import VARIABLE


@asynccontextmanager
async def opened(chosen: On, url: str | None = None) -> AsyncIterator[Quotes]:
    """Give the quotes until the block ends; ``url`` None means UPSTREAM_URL."""
    where = os.environ.get(VARIABLE, "") if url is None else url
    places = Places(chosen.pool_size if chosen.http == 1 else STREAMS, chosen.pool_timeout_s)
    async with connected(chosen, where) as client:
        yield Quotes(client, Once(), Counts(), places, chosen.deadline_ms, chosen.read_timeout_s)
