"""The one HTTP client of a process."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from targets.service.practices.upstream import On

IDLE_S = 4.0
"""How long an idle connection is kept: shorter than the 5 s after which Uvicorn closes it, so that no request meets a
connection that is just being closed."""


@asynccontextmanager
async def connected(chosen: On, url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the upstream until the block ends; nothing is connected before it is used.

    HTTP/2 over clear text is spoken with prior knowledge (RFC 9113, section 3.3): httpx knows no other way.
    """
    timeout = httpx.Timeout(
        connect=chosen.connect_timeout_s,
        read=chosen.read_timeout_s,
        write=chosen.read_timeout_s,
        pool=chosen.pool_timeout_s,
    )
    limits = httpx.Limits(
        max_connections=chosen.pool_size, max_keepalive_connections=chosen.keepalive, keepalive_expiry=IDLE_S
    )
    # Certificates are for TLS alone: to read them takes longer than all the rest of a start.
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if url.startswith("http://") else True
    # The environment's proxies are for the world outside, not for a neighbour.
    async with httpx.AsyncClient(
        base_url=url,
        http1=chosen.http == 1,
        http2=chosen.http != 1,
        timeout=timeout,
        limits=limits,
        verify=verify,
        trust_env=False,
    ) as client:
        yield client
