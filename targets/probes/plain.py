"""A client of addresses of loopback: no TLS, and nothing of its surroundings."""

from __future__ import annotations

import ssl
from typing import Any

import httpx


def client(url: str = "", **more: Any) -> httpx.AsyncClient:
    """Give a client, of this address if there is one, that takes neither certificates nor proxies from elsewhere.

    Each client would read the certificates of all authorities, and a proxy of the environment would come between a
    probe and its service.
    """
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(base_url=url, verify=verify, trust_env=False, **more)
