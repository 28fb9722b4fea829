"""The connections to Valkey: few, impatient, and never tried twice."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

ANSWER_S = 0.1
"""Longer, and the database is the better answer; shorter, and a busy loop would be taken for a dead server."""
CONNECT_S = 0.05
CONNECTIONS_MAX = 64
WAIT_S = 0.05
"""Longest wait for a connection of the pool: longer, and asking the database is the better use of the time."""


def connected(url: str) -> Redis:
    """Give a client; nothing is connected before the first command.

    RESP 2 and no client's name: a new connection is ready at once, without a round trip of greetings.
    The retries of redis-py (10, of 5 s each) would turn a hung server into hung requests.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS_MAX,
        timeout=WAIT_S,
        socket_timeout=ANSWER_S,
        socket_connect_timeout=CONNECT_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )
    return Redis.from_pool(pool)
