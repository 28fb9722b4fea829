"""The connections to Valkey: few, impatient, and never tried twice."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

CONNECTIONS_MAX = 64
SOCKET_S = 0.2
"""Each command is given less than this as a whole (see ``limit``); what is left to the sockets is closing them."""


def connected(url: str) -> Redis:
    """Give a client; nothing is connected before the first command.

    RESP 2 and no client's name: a new connection is ready at once, without a round trip of greetings.
    Whoever waits for a connection of the pool waits within the limit of a command.
    The retries of redis-py (10, of 5 s each) would turn a hung server into hung requests.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS_MAX,
        timeout=None,
        socket_timeout=SOCKET_S,
        socket_connect_timeout=SOCKET_S,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )
    return Redis.from_pool(pool)
